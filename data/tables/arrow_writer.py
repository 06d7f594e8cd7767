"""One part of the output as Arrow's batches, or a whole table as Parquet."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from ..answers.response_model import Fields
from ..arrow import json_texts, to_array, to_fields
from ..columns import META
from ..results.row_meta import RowMetas
from ..rows.kept import Chunk, Chunks
from .writers import by_column

__all__ = ["ArrowWriter"]


_OPEN: dict[str, Callable[[str, pa.Schema], Any]] = {
    ".arrow": pa.ipc.new_stream,
    ".parquet": pq.ParquetWriter,
}

_BLOCKS = 8
"""Laid out at once: Arrow's arrays are slow to make and quick to fill."""


class ArrowWriter:
    """Input columns keep their types; the answer's come from its schema."""

    block_bytes = 8 << 20

    def __init__(
        self, path: Path, rows: Chunks, columns: Mapping[str, str], prefix: str
    ) -> None:
        self._columns = columns
        answers = {prefix + name: kind for name, kind in columns.items()}
        self._answers = pa.schema(to_fields({**answers, **META}))
        self._schema = pa.schema([*rows.fields(), *self._answers])
        self._writer = _OPEN[path.suffix.lower()](str(path), self._schema)

    def pile(self) -> _ArrowPile:
        """Return where answers are laid out for this file."""
        return _ArrowPile(self._answers, self._columns)

    def write(self, rows: Chunk, answers: pa.RecordBatch) -> None:
        """Append rows as one batch, which is one row group in Parquet."""
        arrays = [*rows.arrays(), *answers.columns]
        self._writer.write_batch(pa.record_batch(arrays, schema=self._schema))

    def close(self) -> None:
        """Finish the file."""
        self._writer.close()


class _ArrowPile:
    """A row of a batch for each answer."""

    def __init__(self, schema: pa.Schema, columns: Mapping[str, str]) -> None:
        self._schema = schema
        self._names = columns
        kinds = [*columns.values(), *META.values()]
        self._nested = [kind == "json" for kind in kinds]
        self._kinds = ["string" if kind == "json" else kind for kind in kinds]
        self._count = 0
        self._blocks = 0
        self._columns: list[list[Any]] = [[] for _ in self._kinds]
        self._batches: list[pa.RecordBatch] = []

    def __len__(self) -> int:
        return self._count

    def add(self, answers: Sequence[Fields], meta: RowMetas) -> None:
        self._count += len(meta)
        self._blocks += 1
        values = [*by_column(answers, self._names), *meta.columns()]
        for column, nested, more in zip(
            self._columns, self._nested, values, strict=True
        ):
            column.extend(json_texts(more) if nested else more)
        if self._blocks == _BLOCKS:
            self._lay_out()

    def take(self, numbers: Sequence[int]) -> pa.RecordBatch:
        self._lay_out()
        if len(self._batches) > 1:
            self._batches = _joined(self._batches)
        return self._batches[0].take(pa.array(numbers, pa.int32()))

    def _lay_out(self) -> None:
        if self._blocks:
            arrays = [*map(to_array, self._kinds, self._columns)]
            self._batches.append(pa.record_batch(arrays, schema=self._schema))
            self._columns = [[] for _ in self._kinds]
            self._blocks = 0


def _joined(batches: list[pa.RecordBatch]) -> list[pa.RecordBatch]:
    table = pa.Table.from_batches(batches)
    # This pool gives back at once what the default one would keep.
    return table.combine_chunks(memory_pool=pa.system_memory_pool()).to_batches()
