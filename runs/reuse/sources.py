"""The answers of other runs under a root, and the indexes to find them by.

An index is written once, into the folder of its answers, by the first run that looks
for answers there; so runs of earlier versions have one too.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from ...data.custom_id import parse_row_id, row_in
from ...data.files import size_and_digest
from ...data.reuse.digests import LineDigests
from ...data.reuse.index import IndexWriter, read_index
from ...errors import BatchwrightError
from ...models import Outcome
from ..directory.attempts import INDEX, Attempt
from ..directory.catalog import run_directories
from ..directory.records import ShardPlan
from ..directory.run import Run
from ..directory.shard import TAKEN_INDEX, Shard
from ..directory.storage import Directory
from ..events import emit

__all__ = ["Source", "sources_under"]

_LINES_BYTES = 1 << 18


@dataclass(frozen=True, slots=True)
class Source:
    """A file of results with an index."""

    directory: Directory
    index: str
    """Its name in the run."""

    @property
    def results(self) -> str:
        """The name of the file of results."""
        end = ".output.jsonl" if "/attempts/" in self.index else ".jsonl"
        return self.index.removesuffix(INDEX) + end

    @contextmanager
    def opened(self) -> Iterator[pa.RecordBatch]:
        """Give the index; nothing where it is damaged."""
        with self.directory.local(self.index) as path:
            yield read_index(path)


def sources_under(root: str, own: str | None = None) -> Iterator[Source]:
    """Yield all results of the runs right below a folder, those of `own` left out.

    Indexes that are missing are written. A run that cannot be read is passed over.
    """
    for directory in run_directories(root):
        if directory.url != own:
            try:
                yield from _sources_in(directory)
            except (BatchwrightError, OSError) as exc:
                emit("notice", text=f"No answers of {directory.url} are reused: {exc}")


def _sources_in(directory: Directory) -> Iterator[Source]:
    names = set(directory.names())
    if "plan.json" not in names:
        return
    for name in sorted(names):
        if name.endswith(f"/{TAKEN_INDEX}"):
            yield Source(directory, name)
    ended = {
        name.removesuffix(".ended.json") + INDEX
        for name in names
        if name.endswith(".ended.json")
    }
    if ended - names:
        _write_missing(Run.load(directory.url), names)
    for name in sorted(ended):
        yield Source(directory, name)


def _write_missing(run: Run, names: set[str]) -> None:
    for shard, attempt in run.state().attempts():
        name = shard.attempts.index_name(attempt)
        if attempt.ended is not None and name not in names:
            with suppress(FileExistsError):
                run.directory.write_once(name, _index(run, shard, attempt))


def _index(run: Run, shard: Shard, attempt: Attempt) -> bytes:
    """Index the answers of an attempt; none where its results are not as received."""
    writer = IndexWriter()
    if not (attempt.ended and attempt.ended.verdict.has_results):
        return writer.to_bytes(None)
    name = f"{shard.path}/attempts/{attempt.number:03}.output.jsonl"
    requests = f"{shard.path}/requests.jsonl"
    with (
        run.directory.local(name) as results,
        run.as_made(requests, shard.plan.digest) as lines,
    ):
        digest = size_and_digest(str(results))[1]
        if attempt.ended.digests.get(name) in {None, digest}:
            _add_answers(run, writer, shard.plan, lines, results)
    return writer.to_bytes(digest)


def _add_answers(
    run: Run, writer: IndexWriter, shard: ShardPlan, requests: Path, results: Path
) -> None:
    nonce = run.plan().nonce
    by_row = {**_digests(run, shard, requests), **_asked_first(run, shard)}
    offset = 0
    with results.open("rb", buffering=_LINES_BYTES) as file:
        for line in file:
            result = run.format.decode(line)
            found = parse_row_id(result.custom_id, nonce)
            if (
                result.outcome is Outcome.SUCCEEDED
                and found
                and shard.owns(*found)
                and found[0] in by_row
            ):
                writer.add(by_row[found[0]], offset)
            offset += len(line)


def _digests(run: Run, shard: ShardPlan, requests: Path) -> dict[int, bytes]:
    """Return the digest of each row's request in the file of a shard."""
    nonce = run.plan().nonce
    digests = LineDigests(run.job_at(shard.round), nonce)
    by_row: dict[int, bytes] = {}
    with requests.open("rb") as file:
        while lines := file.readlines(_LINES_BYTES):
            rows = (row_in(line, nonce) for line in lines)
            by_row.update(zip(rows, digests.of(b"".join(lines)), strict=True))
    return by_row


def _asked_first(run: Run, shard: ShardPlan) -> dict[int, bytes]:
    """Return what rows had asked that were asked again, with their error, in a round.

    The answer to the second question is one to the first.
    """
    again = run.reasked(shard.round).keys()
    first: dict[int, bytes] = {}
    if not again:
        return first
    for each in run.state().shards.values():
        if each.plan.round >= shard.round:
            break
        name = f"{each.path}/requests.jsonl"
        with run.as_made(name, each.plan.digest) as requests:
            found = _digests(run, each.plan, requests)
        rows = (again & found.keys()) - run.reasked(each.plan.round).keys()
        first.update((row, found[row]) for row in rows)
    return first
