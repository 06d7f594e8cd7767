"""Parquet parts into one file with row groups of a good size."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from ._parquet_rows import read_batches

__all__ = ["concat_parquet"]

_GROUP_BYTES = 12 << 20
_GROUP_ROWS = 1 << 16


def concat_parquet(parts: Iterable[Path], target: Path) -> None:
    """Write all rows of `parts`, which have one schema; small groups are merged."""
    writer: pq.ParquetWriter | None = None
    held: list[pa.RecordBatch] = []
    size = rows = 0
    try:
        for path in parts:
            for batch in read_batches(path):
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
