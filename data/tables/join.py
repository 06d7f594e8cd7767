"""Results back to their rows: one part per shard, in input order, then one table."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from ...errors import InputError
from ...providers import Format
from ..answers.response_model import Answer
from ..collector import paused_collector
from ..resolve import ResolvedJob
from ..results.merge import Absent, Reading
from ..results.row_results import ResultFile
from ..results.shard_answers import open_answers
from ..results.tally import ShardTally
from ..rows.kept import open_chunks
from .concat import concat_parts, part_name
from .writers import open_writer

__all__ = ["ResultFile", "concat_parts", "part_name", "write_part"]


def write_part(  # noqa: PLR0913 - what a shard is, and how it is read
    job: ResolvedJob,
    rows_path: Path,
    results: Sequence[ResultFile],
    part_path: Path,
    *,
    nonce: str,
    first_row: int,
    rows: int,
    fmt: Format,
    answer: Answer,
    absent: Absent,
    columns: Mapping[str, str] | None = None,
    progress: Callable[[int], None] | None = None,
) -> ShardTally:
    """Join one shard's rows with its results, in input order, in bounded memory.

    A part is a whole table by itself.

    Args:
        job: Names the model that is billed and the answer's prefix.
        rows_path: The shard's `rows.parquet` or `rows.jsonl`.
        results: Local result files, first round first; they may hold lines of
            other shards, which count as foreign.
        part_path: Named as `part_name` says. Written in place; the caller renames it.
        nonce: What the run's `custom_id`s begin with.
        first_row: Of the shard, 0-based in the input.
        rows: Of the shard.
        fmt: Decodes a result line.
        answer: Validates what is decoded.
        absent: Says what became of a row without a result line.
        columns: For `rows.jsonl` and an output that has columns: `columns.merge` of
            every shard's `ShardFiles.columns`.
        progress: Called with the rows done, now and then.
    """
    chunks = open_chunks(rows_path, columns or {})
    prefix = job.job.answer_prefix or ""
    writer = open_writer(part_path, chunks, answer.columns, prefix)
    reading = Reading(answer, fmt, job.template.model, nonce, absent)
    done = 0
    try:
        with open_answers(results, reading, first_row, rows, writer) as answers:
            for chunk in chunks:
                stop = done + len(chunk)
                if stop > rows:
                    break
                with paused_collector():
                    while (left := stop - done) > 0:
                        laid = answers.block(first_row + done, left)
                        start = len(chunk) - left
                        piece = chunk.slice(start, start + laid.rows)
                        writer.write(piece, laid.answers)
                        done += laid.rows
                if progress is not None:
                    progress(done)
            if done != rows:
                raise InputError(
                    f"{rows_path} does not hold the {rows} rows of its shard; the run"
                    " directory was changed."
                )
            tally = answers.counter.close(answers.foreign)
    finally:
        writer.close()
    with part_path.open("rb") as file:
        os.fsync(file.fileno())
    return tally
