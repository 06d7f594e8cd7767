"""Leaves out the requests that need not be sent, before a run has its plan."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import chain, pairwise, repeat
from pathlib import Path

import orjson

from ...data.custom_id import row_id
from ...data.requests.generate import ShardFiles, batch_limits
from ...data.requests.writer import RequestFile, RequestWriter
from ...data.results.block import Reading
from ...data.reuse.digests import LineDigests
from ...data.reuse.index import IndexWriter
from ...data.reuse.shared import Shared
from ...data.reuse.wanted import Wanted
from ..directory.catalog import root_of
from ..directory.run import Run
from ..directory.storage import Directory
from ..events import emit
from ..response_model import answer_of
from .answers import take_answers
from .sources import Source, sources_under

__all__ = ["Answers", "Share", "share_requests"]

_BUFFER_BYTES = 1 << 18
_SOURCES = "reuse.json"
"""On a shared store: the results that are looked into, so that two processes that
generate at once write the same."""


@dataclass(slots=True)
class Answers:
    """Answers that are taken over for the rows of one shard."""

    path: Path
    index: IndexWriter = field(default_factory=IndexWriter)
    """Of those that no shard before has."""
    _size: int = 0
    _waiting: bytearray = field(default_factory=bytearray)

    def add(self, line: bytes) -> int:
        """Append a line; return where it begins."""
        start = self._size
        self._size += len(line)
        self._waiting += line
        if len(self._waiting) > _BUFFER_BYTES:
            self.flush()
        return start

    def flush(self) -> None:
        """Write what is waiting; no file stays open."""
        with self.path.open("ab") as file:
            file.write(self._waiting)
        self._waiting.clear()


@dataclass(frozen=True, slots=True)
class Share:
    """What a shard has in a run with `reuse`."""

    files: ShardFiles
    requests: RequestFile | None
    """What it sends, if anything."""
    sends: tuple[int, int]
    """The rows that these requests are of, up to the second."""
    answers: Answers | None
    """What was taken over for its rows, if anything."""


def share_requests(
    run: Run,
    nonce: str,
    shards: Sequence[ShardFiles],
    digests: LineDigests,
    folder: Path,
) -> tuple[list[Share], bytes]:
    """Take over answers, and write request files without what need not be sent.

    Args:
        run: The run, which has no plan yet.
        nonce: Of its `custom_id`s.
        shards: Its rows, with the requests of all of them.
        digests: It has seen these requests.
        folder: For the files, until they are adopted.

    Returns:
        The shards, and the file `shared`.
    """
    wanted = Wanted(digests.seen)
    answers = _take(run, nonce, [each.first_row for each in shards], wanted, folder)
    unsent = wanted.unsent()
    taken, rows = sum(wanted.answered), len(unsent)
    emit(
        "notice",
        text=f"{rows - sum(unsent):,} requests for {rows:,} rows: {taken:,} are"
        f" answered in other runs, {len(wanted.followers):,} rows are equal to another"
        " one.",
    )
    sent: list[tuple[RequestFile, int]] = [(s.requests, s.first_row) for s in shards]
    if any(unsent):
        sent = [*_repacked(run, shards, unsent, folder)]
    starts = [0, *(row for _, row in sent[1:]), rows]
    starts += [rows] * (len(shards) - len(sent))
    files = chain((file for file, _ in sent), repeat(None))
    shares = [
        Share(*each, answers.get(index))
        for index, each in enumerate(zip(shards, files, pairwise(starts), strict=False))
    ]
    return shares, wanted.followers.tobytes()


def _take(
    run: Run, nonce: str, first_rows: Sequence[int], wanted: Wanted, folder: Path
) -> dict[int, Answers]:
    """Copy the answers of other runs to each shard that has rows for them."""
    shared = Shared(wanted.followers)
    answers: dict[int, Answers] = {}
    reading = Reading(answer_of(run), run.format, run.job.template.known_model)
    for taken in take_answers(wanted, _sources(run), reading):
        line = taken.renamed(row_id(nonce, taken.row, 0))
        for number, index in enumerate(shared.shards_of(taken.row, first_rows)):
            if index not in answers:
                answers[index] = Answers(folder / f"{index:05}.taken")
            start = answers[index].add(line)
            if number == 0:
                digest = wanted.digest(taken.row)
                answers[index].index.add(digest, start)
    for each in answers.values():
        each.flush()
    return answers


def _repacked(
    run: Run, shards: Sequence[ShardFiles], unsent: bytearray, folder: Path
) -> Iterator[tuple[RequestFile, int]]:
    """Yield request files of what is sent, and the first row of each."""
    job = run.job.job
    (folder / "sent").mkdir()
    writer = RequestWriter(folder / "sent", batch_limits(job, run.format))
    first_row = done = 0
    for shard in shards:
        with shard.requests.path.open("rb", buffering=_BUFFER_BYTES) as lines:
            for row, line in enumerate(lines, start=shard.first_row):
                if unsent[row]:
                    continue
                if done and done == job.canary:
                    yield writer.roll(), first_row
                    first_row = row
                if complete := writer.add(line):
                    yield complete, first_row
                    first_row = row
                done += 1
        shard.requests.path.unlink()
    if done:
        yield writer.roll(), first_row


def _sources(run: Run) -> Iterable[Source]:
    found = sources_under(root_of(run.directory), run.directory.url)
    if run.directory.is_local:
        return found
    names = [(each.directory.url, each.index) for each in found]
    with suppress(FileExistsError):
        run.directory.write_once(_SOURCES, orjson.dumps(names))
    fixed = orjson.loads(run.directory.read(_SOURCES) or b"[]")
    return [Source(Directory(url), index) for url, index in fixed]
