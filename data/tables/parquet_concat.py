"""Parts into one Parquet file with row groups of a good size."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

__all__ = ["concat_parquet"]

_GROUP_BYTES = 12 << 20
_GROUP_ROWS = 1 << 16


def concat_parquet(parts: Iterable[Path], target: Path) -> None:
    """Write all rows of `parts`, which have one schema; small batches are merged."""
    writer: pq.ParquetWriter | None = None
    held: list[pa.RecordBatch] = []
    size = rows = 0
    try:
        for path in parts:
            for batch in _batches(path):
                if writer is None:
                    writer = pq.ParquetWriter(str(target), batch.schema)
                held.append(batch)
                size += batch.nbytes
                rows += batch.num_rows
                if size > _GROUP_BYTES or rows > _GROUP_ROWS:
                    writer.write_table(pa.Table.from_batches(held))
                    held, size, rows = [], 0, 0
            # Arrow's allocator keeps what it has; over many parts that adds up.
            pa.default_memory_pool().release_unused()
        if writer is not None and held:
            writer.write_table(pa.Table.from_batches(held))
    finally:
        if writer is not None:
            writer.close()


def _batches(path: Path) -> Iterator[pa.RecordBatch]:
    with pa.OSFile(str(path), "rb") as file, pa.ipc.open_stream(file) as batches:
        yield from batches
