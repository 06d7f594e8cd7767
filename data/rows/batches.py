"""Reads Parquet files in batches of bounded size, whatever their values are."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import BinaryIO

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from upath import UPath

from .block import MAX_ROW_BYTES, row_too_large
from .kinds import not_a
from .pages import BATCH_BYTES, BATCH_ROWS, leaves, look_at_row_group

__all__ = ["read_batches"]

_BUFFERS_BYTES = 32 << 20
"""Of all columns together: pyarrow has a buffer for each."""


def read_batches(
    path: Path | UPath, limit: float = math.inf
) -> Iterator[pa.RecordBatch]:
    """Yield the rows of a Parquet file in batches of about 8 MB, 8,192 rows at most.

    Args:
        path: The file.
        limit: Bytes of a row above which it is refused.

    Raises:
        InputError: It is no Parquet file, a damaged one, or has a larger row.
    """
    held: list[pa.RecordBatch] = []
    row = held_bytes = held_rows = 0
    try:
        with path.open("rb") as file:
            for batch in _steps(str(path), file, limit):
                if batch.nbytes > limit:
                    _check_rows(str(path), row, batch, limit)
                row += batch.num_rows
                held.append(batch)
                held_bytes += batch.nbytes
                held_rows += batch.num_rows
                if held_bytes > BATCH_BYTES or held_rows >= BATCH_ROWS:
                    yield _joined(held)
                    held, held_bytes, held_rows = [], 0, 0
        if held:
            yield _joined(held)
    except (pa.ArrowException, OSError, ValueError) as exc:
        raise not_a(path, "Parquet", exc) from exc


def _steps(where: str, file: BinaryIO, limit: float) -> Iterator[pa.RecordBatch]:
    """Yield rows in batches that are as small as their sizes may demand."""
    meta = pq.read_metadata(file)
    schema = meta.schema.to_arrow_schema()
    parquet: pq.ParquetFile | None = None
    as_dictionary: frozenset[str] = frozenset()
    for number in range(meta.num_row_groups):
        group = look_at_row_group(where, file, meta, number, limit)
        if parquet is None or group.as_dictionary != as_dictionary:
            as_dictionary = group.as_dictionary
            # With its defaults pyarrow keeps all row groups that it has read in memory.
            parquet = pq.ParquetFile(
                file,
                metadata=meta,
                read_dictionary=[*as_dictionary],
                buffer_size=min(1 << 20, _BUFFERS_BYTES // max(1, meta.num_columns)),
                pre_buffer=False,
            )
        for batch in parquet.iter_batches(
            batch_size=group.step_rows, row_groups=[number], use_threads=False
        ):
            if not as_dictionary:
                yield batch
            elif _decoded_bytes(batch) <= MAX_ROW_BYTES:
                yield batch.cast(schema)
            else:
                for row in range(len(batch)):
                    line = batch.take(pa.array([row]))  # a slice is cast as a whole
                    if _decoded_bytes(line) > limit:
                        raise row_too_large(where, max(as_dictionary))
                    yield line.cast(schema)


def _decoded_bytes(batch: pa.RecordBatch) -> int:
    """Return how large rows are without the dictionaries of their columns."""
    size = 0
    for leaf in chain.from_iterable(map(leaves, batch.columns)):
        if pa.types.is_dictionary(leaf.type):
            lengths = pc.binary_length(leaf.dictionary)
            size += pc.sum(lengths.take(leaf.indices)).as_py() or 0
        else:
            size += leaf.nbytes
    return size


def _check_rows(
    where: str, first_row: int, batch: pa.RecordBatch, limit: float
) -> None:
    for index in range(batch.num_rows):
        line = batch.slice(index, 1)
        if line.nbytes > limit:
            sizes = {
                name: column.nbytes
                for name, column in zip(batch.schema.names, line.columns, strict=True)
            }
            name = max(sizes, key=sizes.__getitem__)
            raise row_too_large(f"{where} row {first_row + index + 1}", name)


def _joined(batches: Sequence[pa.RecordBatch]) -> pa.RecordBatch:
    if len(batches) == 1:
        return batches[0]
    (whole,) = pa.Table.from_batches(batches).combine_chunks().to_batches()
    return whole
