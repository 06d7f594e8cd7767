"""Rows that are in memory, written to a file in which a job can read them.

A table is anything with Arrow's C stream interface (pandas, Polars, PyArrow, a relation
of DuckDB), read batch by batch; an iterable of mappings becomes one. No library of
data frames is imported here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from hashlib import sha256
from itertools import chain
from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa

from ...errors import InputError, in_one_line
from ..columns import to_json
from .block import check_names, refuse_reserved
from .digest import RowsDigest
from .pages import BATCH_BYTES, BATCH_ROWS
from .parquet import ParquetStore
from .values import python_values

__all__ = ["KIND_KEY", "is_table", "write_rows"]

KIND_KEY = b"batchwright.table"
"""Metadata of rows from a table in memory: the library that the table was of."""

_NAME = "The table"
_UNREADABLE = (pa.ArrowException, NotImplementedError, OSError, TypeError, ValueError)
"""What libraries raise for a table that Arrow or Parquet cannot hold."""


def is_table(data: Any) -> bool:
    """Whether an object gives its rows by Arrow's C stream interface."""
    return hasattr(data, "__arrow_c_stream__")


def write_rows(data: Any, path: Path) -> str:
    """Write rows to a `.parquet` file, or else as JSON lines; returns their digest.

    Parquet keeps all types. Rows of a table take little memory beside it; mappings are
    all in memory at once for Parquet, where a key that a row lacks is null.

    Raises:
        InputError: It is no table, a column has a name of ours, or Parquet cannot keep
            its values or has no row to keep.
        TypeError: A value of a mapping that JSON has no form for.
    """
    if path.suffix != ".parquet":
        return _write_lines(data, path)
    rows = 0
    with _read(data) as reader:
        schema = pa.schema([each.with_type(_kept(each.type)) for each in reader.schema])
        check_names(_NAME, schema.names)
        metadata = reader.schema.metadata or {}
        kind = _library(data)
        digest = RowsDigest(schema, kind, _index(metadata) if kind == "pandas" else "")
        store = ParquetStore(path, schema.with_metadata(metadata | {KIND_KEY: kind}))
        for batch in _batches(reader, schema):
            store.add(batch.to_struct_array())
            digest.add(batch)
            rows += len(batch)
        store.close()
    if not rows:
        raise InputError(
            f"{_NAME} has no rows. If it was an iterator, it has given them already;"
            " make it a list first."
        )
    return digest.hexdigest()


def _write_lines(data: Any, path: Path) -> str:
    digest = sha256()
    with path.open("wb") as file:
        for row in _objects(data) if is_table(data) else _mappings(data):
            refuse_reserved(row, _NAME)
            # What only Arrow has a type for is text; a mapping's values are kept.
            line = to_json(row) if is_table(data) else orjson.dumps(dict(row))
            file.write(line + b"\n")
            digest.update(line + b"\n")
    return digest.hexdigest()


@contextmanager
def _read(data: Any) -> Iterator[pa.RecordBatchReader]:
    """Give a reader of a table's rows, or of mappings.

    Raises:
        InputError: It is no table, or Arrow or Parquet cannot hold what is in it.
    """
    try:
        if not is_table(data):
            yield _table([*_mappings(data)]).to_reader()
            return
        if _library(data) == "pandas":
            names = [*getattr(data, "columns", ())]
            _check_texts(names)
            check_names(_NAME, names)
        if _library(data) == "polars" and "Object" in map(
            str, getattr(data, "dtypes", ())
        ):
            raise TypeError("a column of type Object holds what only Python knows")
        yield pa.RecordBatchReader.from_stream(data)
    except _UNREADABLE as exc:
        what = type(data).__name__
        if "non-struct" in str(exc):
            raise InputError(
                f"The {what} is one column and no table; make it one, as"
                " `.to_frame()` does."
            ) from exc
        said = in_one_line("; ".join(map(str, exc.args)))
        raise InputError(
            f"The {what} cannot be kept as a table: {said}. Convert that column, or"
            " leave it out."
        ) from exc


def _batches(
    reader: pa.RecordBatchReader, schema: pa.Schema
) -> Iterator[pa.RecordBatch]:
    """Yield the rows in batches of bounded size."""
    for batch in reader:
        row_bytes = batch.nbytes // max(1, len(batch))
        step = max(1, min(BATCH_ROWS, BATCH_BYTES // max(1, row_bytes)))
        for start in range(0, len(batch), step):
            yield batch.slice(start, step).cast(schema)


def _objects(table: Any) -> Iterator[dict[str, Any]]:
    with _read(table) as reader:
        check_names(_NAME, reader.schema.names)
        for batch in _batches(reader, reader.schema):
            columns = [*map(python_values, batch.columns)]
            for values in zip(*columns, strict=True):
                yield dict(zip(batch.schema.names, values, strict=True))


def _mappings(data: Any) -> Iterator[Mapping[str, Any]]:
    if isinstance(data, str | bytes | Mapping) or not isinstance(data, Iterable):
        raise InputError(
            f"What is of type {type(data).__name__} is no table; give a DataFrame, an"
            " Arrow table or a list of mappings from column names to values."
        )
    for number, row in enumerate(data, 1):
        if not isinstance(row, Mapping):
            raise InputError(
                f"Row {number} of the table is of type {type(row).__name__}, and no"
                " mapping from column names to values."
            )
        yield row


def _table(rows: Sequence[Mapping[str, Any]]) -> pa.Table:
    names = [*dict.fromkeys(chain.from_iterable(rows))]
    _check_texts(names)
    return pa.table(
        {name: _column(name, [row.get(name) for row in rows]) for name in names}
    )


def _column(name: str, values: list[Any]) -> Any:
    """Return values as one column, whose type they decide together."""
    try:
        column = pa.array(values)
        # Of mixed dates and times, Arrow would drop a part.
        if pa.types.is_temporal(column.type) and column.to_pylist() != values:
            raise ValueError("dates, times or times with and without a zone are mixed")
    except (*_UNREADABLE, OverflowError) as exc:
        raise InputError(
            f"The column {name!r} has no one type: {in_one_line(exc)}. Convert its"
            " values to one."
        ) from exc
    return column


def _check_texts(names: Iterable[Any]) -> None:
    for name in names:
        if not isinstance(name, str):
            raise InputError(
                f"The table has a column whose name is no text: {name!r}; rename it."
            )


def _library(data: Any) -> str:
    """Return whose data frame a table is; any other becomes one of PyArrow."""
    names = {each.__module__.partition(".")[0] for each in type(data).__mro__}
    return next((name for name in ("pandas", "polars") if name in names), "pyarrow")


def _index(metadata: Mapping[bytes, bytes]) -> str:
    """Return what pandas notes of its index; the rest tells versions of libraries."""
    return repr(orjson.loads(metadata.get(b"pandas", b"{}")).get("index_columns"))


def _kept(kind: Any) -> Any:
    """Return the type that Parquet keeps for another."""
    if pa.types.is_string_view(kind):
        return pa.large_string()
    if pa.types.is_binary_view(kind):
        return pa.large_binary()
    if pa.types.is_dictionary(kind):
        return pa.dictionary(kind.index_type, _kept(kind.value_type), kind.ordered)
    if pa.types.is_struct(kind):
        return pa.struct([each.with_type(_kept(each.type)) for each in kind])
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        list_of = pa.list_ if pa.types.is_list(kind) else pa.large_list
        return list_of(kind.value_field.with_type(_kept(kind.value_type)))
    return kind
