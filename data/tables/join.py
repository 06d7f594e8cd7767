"""Results and their rows: one part per shard, in input order."""

from __future__ import annotations

import os
import sys
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from ...errors import InputError
from ...models import Outcome
from ..collector import paused_collector, run_paused
from ..columns import REUSED, ROW_COLUMNS
from ..results.block import Block, Reading, gather
from ..results.merge import Absent, RowResults, Sharing
from ..results.reader import BLOCK_BYTES, read_blocks
from ..results.row_ids import Ids
from ..results.store import MEMORY_BYTES, Store
from ..results.tally import ShardTally
from ..rows.kept import Chunk, open_chunks
from .formats import Encoded, Table, table_format

__all__ = ["BatchOutput", "ShardRows", "outcomes_of", "write_part"]


@dataclass(frozen=True, slots=True)
class BatchOutput:
    """Raw result lines of one batch, as downloaded."""

    path: Path
    batch_id: str | None
    model: str | None = None
    """Model whose price applies to them; None: as `Reading` says."""
    reused: bool = False
    """Whether they were taken over from other runs."""


@dataclass(frozen=True, kw_only=True)
class ShardRows:
    """The rows of one shard, as the run keeps them."""

    path: Path
    """`rows.parquet` or `rows.jsonl`."""
    ids: Ids
    """The `custom_id`s of these rows."""
    sharing: Sharing | None = None
    """None in a run without `reuse`."""
    first_row: int
    """0-based, in the input."""
    count: int
    absent: Absent
    """Says what became of a row without a result line."""
    columns: Mapping[str, str] = field(default_factory=dict)
    """For `rows.jsonl` and an output that has columns: those of all shards."""


def write_part(
    shard: ShardRows,
    outputs: Sequence[BatchOutput],
    part_path: Path,
    reading: Reading,
    *,
    prefix: str = "",
    progress: Callable[[int], None] | None = None,
    memory_bytes: int = MEMORY_BYTES,
) -> ShardTally:
    """Join one shard's rows with its results, in input order, in bounded memory.

    A part is a whole table by itself.

    Args:
        shard: The rows.
        outputs: Result files, first round first; lines of other shards' rows are
            counted as stray.
        part_path: Named as `part_name` says. Written in place; the caller renames it.
        reading: How results are validated and priced.
        prefix: Of the answer's columns.
        progress: Called with the rows done, now and then.
        memory_bytes: Encoded results that stay in memory; more of them go to a file
            beside the part.
    """
    chunks = open_chunks(shard.path, shard.columns)
    open_table = table_format(part_path).open
    columns, ids = reading.answer.columns, shard.ids
    ours = ROW_COLUMNS if shard.sharing is None else ROW_COLUMNS | REUSED
    results = RowResults(ids, shard.first_row, shard.count, shard.sharing)
    with (
        closing(open_table(part_path, chunks, columns, prefix, ours)) as table,
        closing(Store(part_path.parent, memory_bytes)) as store,
    ):
        encoded = table.keep(store)
        for output in outputs:
            blocks = gather(_read(output, reading, ids, results), table.encode_bytes)
            run_paused(_append(encoded, table, blocks))
        run_paused(_append(encoded, table, results.add_missing(shard.absent)))
        results.merge()
        done = 0
        for chunk in chunks:
            if done + len(chunk) > shard.count:
                done += len(chunk)
                break
            with paused_collector():
                _write(table, encoded, results, done, chunk)
            done += len(chunk)
            if progress is not None:
                progress(done)
        if done != shard.count:
            raise InputError(
                f"{shard.path} does not hold the {shard.count} rows of its shard; the"
                " run directory was changed."
            )
    with part_path.open("rb") as file:
        os.fsync(file.fileno())
    return results.counter.close(ids.strays)


def outcomes_of(
    shard: ShardRows, outputs: Iterable[BatchOutput], reading: Reading
) -> list[Outcome]:
    """Return the outcome of each row of a shard, as `write_part` would write it."""
    results = RowResults(shard.ids, shard.first_row, shard.count, shard.sharing)
    for output in outputs:
        deque(_read(output, reading, shard.ids, results), maxlen=0)
    deque(results.add_missing(shard.absent), maxlen=0)
    results.merge()
    return results.take(0, shard.count, sys.maxsize).outcomes


def _read(
    output: BatchOutput,
    reading: Reading,
    ids: Ids,
    numbers: RowResults,
) -> Iterator[tuple[Block, int]]:
    """Number the results of the shard's rows, and yield them with their lines' size."""
    if output.model:
        reading = replace(reading, model=output.model)
    with output.path.open("rb", buffering=BLOCK_BYTES) as file:
        for results, sizes in read_blocks(file, reading.fmt):
            rows, rounds = ids.find([result.custom_id for result in results])
            for index in reversed([n for n, row in enumerate(rows) if row < 0]):
                del rows[index], rounds[index], results[index], sizes[index]
            if results:
                blocks = [reading.read(results, output.batch_id)]
                del results
                numbers.add(rows, rounds, sizes, blocks[0], reused=output.reused)
                yield blocks.pop(), sum(sizes)


def _append(encoded: Encoded, table: Table, blocks: Iterable[Block]) -> Iterator[None]:
    """Append blocks; of a large one nothing is kept while the next one is made."""

    def encode(block: Block) -> Any:
        return table.encode(block.fields, block.columns())

    return map(encoded.append, map(encode, blocks))


def _write(
    table: Table, encoded: Encoded, results: RowResults, first: int, chunk: Chunk
) -> None:
    start = 0
    while start < len(chunk):
        stop = len(chunk)
        merged = results.take(first + start, first + stop, table.write_bytes)
        stop = start + len(merged.numbers)
        table.write(
            chunk.slice(start, stop), encoded.take(merged.numbers), merged.columns()
        )
        start = stop
