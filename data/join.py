"""Results back to their rows: one part per shard, in input order, then one table."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from ..errors import InputError
from ..providers import Format
from ._attempts import Absent, Attempts
from ._chunks import Chunk, open_chunks
from ._collector import paused_collector
from ._concat import concat_parts
from ._row_meta import RowMeta
from ._row_results import ResultFile
from ._shard_results import open_results
from ._writers import Writer, open_writer
from .job import ResolvedJob
from .response_model import Answer, Fields
from .tally import ShardTally

__all__ = ["ResultFile", "concat_parts", "write_part"]

_BLOCK_ROWS = 256


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

    A part is a whole table by itself, in the format of `part_path`'s suffix.

    Args:
        job: Names the model that is billed and the answer's prefix.
        rows_path: The shard's `rows.parquet` or `rows.jsonl`.
        results: Local result files, first round first; they may hold lines of
            other shards, which count as foreign.
        part_path: Written in place; the caller renames it.
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
    done = 0
    try:
        vectors = "vector" in answer.columns.values()
        shard = open_results(results, fmt, nonce, first_row, rows, vectors=vectors)
        with shard as found:
            attempts = Attempts(found, answer, fmt, job.template.model, nonce, absent)
            for chunk in chunks:
                if done + len(chunk) > rows:
                    break
                with paused_collector():
                    _write_chunk(writer, chunk, attempts, first_row + done)
                done += len(chunk)
                if progress is not None:
                    progress(done)
            if done != rows:
                raise InputError(
                    f"{rows_path} does not hold the {rows} rows of its shard; the run"
                    " directory was changed."
                )
            tally = attempts.counter.close(found.foreign)
    finally:
        writer.close()
    with part_path.open("rb") as file:
        os.fsync(file.fileno())
    return tally


def _write_chunk(
    writer: Writer, chunk: Chunk, attempts: Attempts, first_row: int
) -> None:
    """Write in pieces, because answers may be large where rows are small."""
    answers: list[Fields] = []
    meta: list[RowMeta] = []
    size = start = 0
    while (done := start + len(meta)) < len(chunk):
        most = min(_BLOCK_ROWS, len(chunk) - done)
        fields, beside, line_bytes = attempts.answers(first_row + done, most)
        answers += fields
        meta += beside
        size += line_bytes
        stop = start + len(meta)
        if size > writer.block_bytes or stop == len(chunk):
            writer.write(chunk.slice(start, stop), answers, meta)
            answers, meta, size, start = [], [], 0, stop
