"""Parquet input, and the Parquet file that keeps a shard's rows."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from itertools import chain, repeat
from pathlib import Path
from typing import Any, BinaryIO

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from upath import UPath

from ...errors import InputError
from .block import MAX_ROW_BYTES, RowBlock, check_names, row_too_large
from .pages import BATCH_BYTES, BATCH_ROWS, leaves, look_at_row_group

__all__ = [
    "CellStore",
    "ParquetSource",
    "ParquetStore",
    "python_values",
    "read_batches",
]

_BUFFERS_BYTES = 32 << 20
"""Of all columns together: pyarrow has a buffer for each."""


class ParquetSource:
    """Rows of Parquet files with equal schemas; the types are kept."""

    store_suffix = ".parquet"

    def __init__(self, files: Sequence[UPath]) -> None:
        self._files = files
        self._schema = _schema(files[0])
        names = self._schema.names
        check_names(files[0], names)
        self.columns = tuple(names)

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
            for batch in read_batches(path):
                columns = [*map(_values, repeat(path), self.columns, batch.columns)]
                values = [
                    dict(zip(self.columns, cells, strict=True))
                    for cells in zip(*columns, strict=True)
                ]
                yield RowBlock(path, row, values, batch.to_struct_array())
                row += len(values)

    def store(self, path: Path) -> ParquetStore:
        """Return a new file for rows with these columns."""
        return ParquetStore(path, self._schema)


def read_batches(path: Path | UPath) -> Iterator[pa.RecordBatch]:
    """Yield the rows of a Parquet file in batches of about 8 MB, 8,192 rows at most.

    Raises:
        InputError: It is no Parquet file, a damaged one, or has a row over 32 MB.
    """
    held: list[pa.RecordBatch] = []
    row = held_bytes = held_rows = 0
    try:
        with path.open("rb") as file:
            for batch in _steps(str(path), file):
                if batch.nbytes > MAX_ROW_BYTES:
                    _check_rows(str(path), row, batch)
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
        raise InputError(f"{path} cannot be read as Parquet: {exc}.") from exc


def _steps(where: str, file: BinaryIO) -> Iterator[pa.RecordBatch]:
    """Yield rows in batches that are as small as their sizes may demand."""
    meta = pq.read_metadata(file)
    schema = meta.schema.to_arrow_schema()
    parquet: pq.ParquetFile | None = None
    as_dictionary: frozenset[str] = frozenset()
    for number in range(meta.num_row_groups):
        group = look_at_row_group(where, file, meta, number)
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
                for line in map(batch.slice, range(len(batch)), repeat(1)):
                    if _decoded_bytes(line) > MAX_ROW_BYTES:
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


def _check_rows(where: str, first_row: int, batch: pa.RecordBatch) -> None:
    for index in range(batch.num_rows):
        line = batch.slice(index, 1)
        if line.nbytes > MAX_ROW_BYTES:
            sizes = {
                name: column.nbytes
                for name, column in zip(batch.schema.names, line.columns, strict=True)
            }
            name = max(sizes, key=sizes.__getitem__)
            raise row_too_large(f"{where} row {first_row + index}", name)


def _joined(batches: Sequence[pa.RecordBatch]) -> pa.RecordBatch:
    if len(batches) == 1:
        return batches[0]
    (whole,) = pa.Table.from_batches(batches).combine_chunks().to_batches()
    return whole


def python_values(column: pa.Array[Any]) -> list[Any]:
    """Return Python objects; text where Python has no object for a value.

    Such are nanoseconds, dates after the year 9999, and structs with equal names. A
    time in an unknown time zone becomes text in UTC.
    """
    try:
        return column.to_pylist()
    except (ValueError, OverflowError, LookupError):
        kind = column.type
        if pa.types.is_struct(kind):
            return [str(value) if value.is_valid else None for value in column]
        if pa.types.is_timestamp(kind):
            column = column.cast(pa.timestamp(kind.unit))
        return column.cast(pa.string()).to_pylist()


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

    def __init__(self, path: Path, columns: Sequence[str]) -> None:
        super().__init__(path, pa.schema([(name, pa.string()) for name in columns]))

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
        raise InputError(f"{path} cannot be read as Parquet: {exc}.") from exc


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
