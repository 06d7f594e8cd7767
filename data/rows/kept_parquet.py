"""Rows of a shard in Parquet, read back in chunks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.parquet as pq

from ..columns import META, as_json, value_text
from .batches import read_batches
from .parquet import BOM_KEY
from .values import python_values

__all__ = ["ParquetChunks"]


class ParquetChunks:
    """All rows of one file, with their types."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._schema = pq.read_schema(path)
        self.has_bom = BOM_KEY in (self._schema.metadata or {})
        self.names = tuple(name for name in self._schema.names if name not in META)

    def fields(self) -> list[pa.Field[Any]]:
        """Return the columns' names and Arrow types."""
        return [self._schema.field(name) for name in self.names]

    def __iter__(self) -> Iterator[_BatchChunk]:
        for batch in read_batches(self._path):
            yield _BatchChunk(batch.select(list(self.names)))


class _BatchChunk:
    def __init__(self, batch: pa.RecordBatch) -> None:
        self._batch = batch

    def __len__(self) -> int:
        return self._batch.num_rows

    def slice(self, start: int, stop: int) -> _BatchChunk:
        return _BatchChunk(self._batch.slice(start, stop - start))

    def texts(self) -> list[Sequence[str]]:
        return [
            [*map(value_text, python_values(column))] for column in self._batch.columns
        ]

    def objects(self) -> Iterator[bytes]:
        names = self._batch.schema.names
        columns = [python_values(column) for column in self._batch.columns]
        for values in zip(*columns, strict=True):
            yield orjson.dumps(dict(zip(names, values, strict=True)), default=as_json)

    def arrays(self) -> list[pa.Array[Any]]:
        return list(self._batch.columns)
