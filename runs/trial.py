"""A few rows, answered now: no batch is created, and no run directory."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from ..data import observed
from ..data.custom_id import row_ids
from ..data.job import BatchJob
from ..data.prices import REALTIME, price
from ..data.requests.generate import ShardFiles, write_shards
from ..data.resolve import ResolvedJob, check_output, resolve
from ..data.results.block import Reading
from ..data.results.row_ids import RowIds
from ..data.results.tally import ShardTally, combine
from ..data.tables.concat import concat_parts
from ..data.tables.formats import part_name
from ..data.tables.join import BatchOutput, ShardRows, write_part
from ..errors import ProviderError
from ..models import Outcome, RunEvent, Usage
from ..providers import Provider, asker, get_format, get_provider
from .directory.access import credentials_of
from .report.dry_run import SamplePrompt, sample_prompts

if TYPE_CHECKING:
    from ..sandbox import Faults

__all__ = ["Trial", "TriedRow", "try_rows"]

_NONCE = "00000000"


@dataclass(frozen=True, slots=True)
class TriedRow:
    """A row that was answered."""

    prompt: SamplePrompt
    line: bytes
    """The row as a run would write it to a `.jsonl` output."""
    values: dict[str, Any]
    """The same, decoded."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Trial:
    """What became of the first rows."""

    rows: tuple[TriedRow, ...]
    """Those that were answered: all of them, if there was no failure."""
    answer_columns: tuple[str, ...]
    tally: ShardTally
    synthetic: bool
    batch_usd: float | None
    """What such a row costs in a batch, on average; None where it is unknown."""
    failure: ProviderError | None
    """Why some rows were not answered; then no output was written."""
    output: str
    """The table, by its absolute path."""


def try_rows(
    job: BatchJob,
    rows: int,
    *,
    write: bool = False,
    faults: Faults | None = None,
    tell: Callable[[RunEvent], None] = lambda _: None,
) -> Trial:
    """Ask the first rows in realtime, at the full price.

    Args:
        job: How they are asked; it may set a lower limit of rows.
        rows: How many.
        write: Whether to write `job.output`.
        faults: Of the sandbox, if the job is one of it.
        tell: Called with the rows that are answered.

    Raises:
        InputError: The job cannot be run as it is.
        MissingKeyError: There is no key.
    """
    limit = min(rows, job.limit or rows)
    named = credentials_of(job)
    resolved = resolve(
        job.model_copy(update={"limit": limit, "canary": None, "finish_by_seconds": 0}),
        base_url=named.base_url if named else None,
    )
    if write:
        check_output(resolved.job)
    key = named.api_key if named else None
    answer = resolved.answer()
    fmt = get_format(resolved.provider, resolved.base_url)
    reading = Reading(answer, fmt, resolved.template.known_model)
    with (
        tempfile.TemporaryDirectory(prefix="batchwright-") as name,
        _provider(resolved, key, faults) as provider,
    ):
        folder = Path(name)
        shards = [*write_shards(resolved, fmt, row_ids(_NONCE), folder)]
        ask = asker(provider, resolved.template.model)
        at_a_time = job.realtime_concurrency
        failure = _ask(ask, at_a_time, shards, folder / "answers.jsonl", tell)
        parts, tallies = _join(resolved, reading, shards, folder, "rows.jsonl")
        lines = [line for part in parts for line in part.read_bytes().split(b"\n")]
        tried = [
            TriedRow(prompt, line, orjson.loads(line))
            for prompt, line in zip(
                islice(sample_prompts(resolved), limit),
                filter(None, lines),
                strict=True,
            )
        ]
        if write and failure is None:
            part = part_name(resolved.job.output)
            parts, _ = _join(resolved, reading, shards, folder, part)
            concat_parts(parts, resolved.job.output)
    prefix = job.answer_prefix or ""
    return Trial(
        rows=tuple(row for row in tried if row.values["_outcome"] != Outcome.MISSING),
        answer_columns=tuple(prefix + column for column in answer.columns),
        tally=combine(tallies),
        synthetic=resolved.synthetic,
        batch_usd=_batch_usd(resolved, tried),
        failure=failure,
        output=resolved.job.output,
    )


@contextmanager
def _provider(
    job: ResolvedJob, key: str | None, faults: Faults | None
) -> Iterator[Provider]:
    if not job.synthetic:
        yield get_provider(job.provider, job.base_url, key)
        return
    from ..sandbox import Sandbox  # noqa: PLC0415 - a web server

    with Sandbox(faults=faults) as sandbox:
        url = sandbox.base_url(job.provider)
        yield get_provider(job.provider, url, sandbox.api_key)


def _ask(
    ask: Callable[[bytes], bytes],
    at_a_time: int,
    shards: Sequence[ShardFiles],
    path: Path,
    tell: Callable[[RunEvent], None],
) -> ProviderError | None:
    """Write the answers to a file; after a failure, nothing more is asked."""
    lines = [
        line
        for shard in shards
        for line in shard.requests.path.read_bytes().split(b"\n")
        if line
    ]
    failure = None
    answered = 0
    with path.open("wb") as file, ThreadPoolExecutor(at_a_time) as pool:
        asked = [pool.submit(ask, line) for line in lines]
        for each in as_completed(asked):
            if each.cancelled():
                continue
            try:
                file.write(each.result() + b"\n")
            except ProviderError as exc:
                failure = failure or exc
                for other in asked:
                    other.cancel()
                continue
            answered += 1
            tell(RunEvent(kind="waiting", done=answered, total=len(lines)))
    return failure


def _join(
    job: ResolvedJob,
    reading: Reading,
    shards: Sequence[ShardFiles],
    folder: Path,
    name: str,
) -> tuple[list[Path], list[ShardTally]]:
    """Join the rows with their answers, in the format that the suffix of `name` says.

    Returns:
        A part and a tally for each shard.
    """
    columns = observed.merge(shard.columns for shard in shards)
    parts, tallies = [], []
    for shard in shards:
        count = shard.requests.requests
        parts.append(folder / f"{shard.first_row}-{name}")
        tally = write_part(
            ShardRows(
                path=shard.rows_path,
                ids=RowIds(_NONCE, shard.first_row, count),
                first_row=shard.first_row,
                count=count,
                absent=lambda _: (Outcome.MISSING, "it was not answered"),
                columns=columns,
            ),
            [BatchOutput(folder / "answers.jsonl", REALTIME)],
            parts[-1],
            reading,
            prefix=job.job.answer_prefix or "",
        )
        tallies.append(tally)
    return parts, tallies


def _batch_usd(job: ResolvedJob, rows: Sequence[TriedRow]) -> float | None:
    tokens = [
        (row.values["_input_tokens"], row.values["_output_tokens"]) for row in rows
    ]
    usages = [Usage(*each) for each in tokens if None not in each]
    costs = [price(job.provider, job.template.known_model, each) for each in usages]
    known = [cost for cost in costs if cost is not None]
    return sum(known) / len(known) if known and len(known) == len(costs) else None
