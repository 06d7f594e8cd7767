"""Parquet input, and the Parquet file that keeps a shard's rows."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from itertools import repeat
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from upath import UPath

from ...errors import InputError
from .batches import read_batches
from .block import MAX_ROW_BYTES, RowBlock, check_names
from .kinds import not_a
from .pages import BATCH_BYTES, BATCH_ROWS
from .values import python_values

__all__ = [
    "BOM_KEY",
    "CellStore",
    "ParquetSource",
    "ParquetStore",
]

BOM_KEY = b"batchwright.bom"
"""Metadata of rows from a file with a BOM: a CSV output begins with one again."""


class ParquetSource:
    """Rows of Parquet files with equal schemas; the types are kept."""

    store_suffix = ".parquet"

    def __init__(self, files: Sequence[UPath]) -> None:
        self._files = files
        self._schema = _schema(files[0])
        names = self._schema.names
        check_names(files[0], names)
        self.columns = tuple(names)
        self.note = None

    def blocks(self) -> Iterator[RowBlock]:
        """Yield rows as dicts of Python values, with the rows as an Arrow array."""
        row = 0
        for path in self._files:
            schema = _schema(path)
            if not schema.equals(self._schema):
                raise InputError(
                    f"{path} differs from {self._files[0]}:"
                    f" {_difference(schema, self._schema)}. Make the columns"
                    " equal, or run each file on its own."
                )
            number = 1
            for batch in read_batches(path, MAX_ROW_BYTES):
                columns = [*map(_values, repeat(path), self.columns, batch.columns)]
                values = [
                    dict(zip(self.columns, cells, strict=True))
                    for cells in zip(*columns, strict=True)
                ]
                numbers = range(number, number + len(values))
                yield RowBlock(path, row, values, batch.to_struct_array(), numbers)
                row += len(values)
                number += len(values)

    def store(self, path: Path) -> ParquetStore:
        """Return a new file for rows with these columns."""
        return ParquetStore(path, self._schema)


class ParquetStore:
    """Writes rows that are slices of the batches that were read."""

    def __init__(self, path: Path, schema: pa.Schema) -> None:
        self._schema = schema
        self._writer = pq.ParquetWriter(str(path), schema)
        self._path = path
        self._batches: list[pa.RecordBatch] = []
        self._rows = self._bytes = 0

    def add(self, records: Any) -> None:
        """Append rows."""
        batch = self._batch(records)
        self._batches.append(batch)
        self._rows += batch.num_rows
        self._bytes += batch.nbytes
        if self._bytes > BATCH_BYTES or self._rows >= BATCH_ROWS:
            self._flush()

    def close(self) -> None:
        """Write what is buffered, and sync the file."""
        self._flush()
        self._writer.close()
        with self._path.open("rb") as file:
            os.fsync(file.fileno())

    def _batch(self, records: Any) -> pa.RecordBatch:
        return pa.record_batch(records.flatten(), schema=self._schema)

    def _flush(self) -> None:
        if self._batches:
            table = pa.Table.from_batches(self._batches, self._schema)
            self._writer.write_table(table)
            self._batches.clear()
            self._rows = self._bytes = 0


class CellStore(ParquetStore):
    """Writes rows of text cells, none of which is null."""

    def __init__(
        self, path: Path, columns: Sequence[str], *, has_bom: bool = False
    ) -> None:
        schema = pa.schema([(name, pa.string()) for name in columns])
        super().__init__(
            path, schema.with_metadata({BOM_KEY: b""}) if has_bom else schema
        )

    def _batch(self, records: Any) -> pa.RecordBatch:
        columns = [pa.array(cells, pa.string()) for cells in zip(*records, strict=True)]
        return pa.record_batch(columns, schema=self._schema)


def _values(path: UPath, name: str, column: pa.Array[Any]) -> list[Any]:
    try:
        return python_values(column)
    except (ArithmeticError, LookupError, RuntimeError, ValueError) as exc:
        raise InputError(
            f"{path}: the column {name!r} of type {column.type} has a value that cannot"
            f" be read: {exc}. Leave the column out, or convert it."
        ) from exc


def _schema(path: UPath) -> pa.Schema:
    try:
        with path.open("rb") as file:
            return pq.read_schema(file)
    except (pa.ArrowException, OSError) as exc:
        raise not_a(path, "Parquet", exc) from exc


def _difference(schema: pa.Schema, first: pa.Schema) -> str:
    """Return the first difference between two schemas, in words."""
    for name in first.names:
        if name not in schema.names:
            return f"the column {name!r} is missing"
        here, there = schema.field(name), first.field(name)
        if not here.equals(there):
            return f"the column {name!r} is {_type(here)} here and {_type(there)} there"
    for name in schema.names:
        if name not in first.names:
            return f"only this file has the column {name!r}"
    return "the columns come in another order"


def _type(field: pa.Field[Any]) -> str:
    return f"{field.type}{'' if field.nullable else ' not null'}"
