"""One part of the output as Parquet."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from ._arrow import to_array, to_fields
from ._chunks import Chunk, Chunks
from ._row_meta import RowMeta, meta_columns
from ._writers import by_column
from .columns import META
from .response_model import Fields

__all__ = ["ParquetWriter"]


_BLOCKS = 16
"""Laid out at once: Arrow's arrays are slow to make and quick to fill."""


class ParquetWriter:
    """Input columns keep their types; the answer's come from its schema."""

    block_bytes = 8 << 20

    def __init__(
        self, path: Path, rows: Chunks, columns: Mapping[str, str], prefix: str
    ) -> None:
        self._columns = columns
        named = {prefix + name: kind for name, kind in columns.items()}
        self._answers, self._metas = to_fields(named), to_fields(META)
        self._schema = pa.schema([*rows.fields(), *self._answers, *self._metas])
        self._writer = pq.ParquetWriter(str(path), self._schema)

    def answers(self) -> _ArrowPile:
        """Return where `Fields` are laid out for this file."""

        def columns(answers: Sequence[Fields]) -> list[pa.Array[Any]]:
            values = by_column(answers, self._columns)
            return [*map(to_array, self._columns.values(), values)]

        return _ArrowPile(pa.schema(self._answers), columns)

    def metas(self) -> _ArrowPile:
        """Return where `RowMeta` are laid out for this file."""

        def columns(meta: Sequence[RowMeta]) -> list[pa.Array[Any]]:
            return [*map(to_array, META.values(), meta_columns(meta))]

        return _ArrowPile(pa.schema(self._metas), columns)

    def write(
        self, rows: Chunk, answers: pa.RecordBatch, metas: pa.RecordBatch
    ) -> None:
        """Append rows as one row group."""
        arrays = [*rows.arrays(), *answers.columns, *metas.columns]
        self._writer.write_batch(pa.record_batch(arrays, schema=self._schema))

    def close(self) -> None:
        """Finish the file."""
        self._writer.close()


class _ArrowPile:
    """A row of a batch for each value."""

    def __init__(
        self,
        schema: pa.Schema,
        columns: Callable[[Sequence[Any]], list[pa.Array[Any]]],
    ) -> None:
        self._schema = schema
        self._columns = columns
        self._count = 0
        self._blocks = 0
        self._waiting: list[Any] = []
        self._batches: list[pa.RecordBatch] = []

    def __len__(self) -> int:
        return self._count

    def add(self, values: Sequence[Any]) -> None:
        self._count += len(values)
        self._blocks += 1
        self._waiting += values
        if self._blocks == _BLOCKS:
            self._lay_out()

    def take(self, numbers: Sequence[int]) -> pa.RecordBatch:
        self._lay_out()
        if len(self._batches) > 1:
            table = pa.Table.from_batches(self._batches)
            self._batches = table.combine_chunks().to_batches()
        return self._batches[0].take(pa.array(numbers, pa.int32()))

    def _lay_out(self) -> None:
        if self._waiting:
            arrays = self._columns(self._waiting)
            self._batches.append(pa.record_batch(arrays, schema=self._schema))
            self._waiting = []
            self._blocks = 0
