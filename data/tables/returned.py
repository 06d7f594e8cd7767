"""The output of a run as the kind of table that its rows came from."""

from __future__ import annotations

import base64
from importlib import import_module
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from ...errors import InputError
from ..rows.memory import KIND_KEY

__all__ = ["read_table"]


def read_table(output: Path, rows: Path | None) -> Any:
    """Read a Parquet output as a pandas or Polars data frame, or an Arrow table.

    Args:
        output: The output.
        rows: The Parquet file that `write_rows` wrote for the run; its columns come
            back with the types, and the index, that they had. None gives an Arrow
            table.

    Raises:
        InputError: The library of the rows is not installed.
    """
    table = pq.read_table(output)
    if rows is None:
        return table
    given = _given_schema(rows)
    kind = (given.metadata or {}).get(KIND_KEY)
    columns = [
        _as_given(column, field)
        for column, field in zip(table.columns, given, strict=False)
    ]
    fields = [
        field.with_type(column.type)
        for column, field in zip(columns, given, strict=True)
    ]
    before = pa.table(columns, schema=pa.schema(fields))
    before = before.replace_schema_metadata(given.metadata)
    answers = table.drop_columns(given.names).replace_schema_metadata()
    if kind == b"pandas":
        return _to_pandas(before, answers)
    for field, column in zip(answers.schema, answers.columns, strict=True):
        before = before.append_column(field, column)
    if kind == b"polars":
        return _library("polars").from_arrow(before)
    return before.replace_schema_metadata()


def _given_schema(rows: Path) -> pa.Schema:
    """Return the schema that was written; Parquet's own lacks some of its types."""
    metadata = pq.read_metadata(rows).metadata or {}
    text = metadata[b"ARROW:schema"]
    return pa.ipc.read_schema(pa.py_buffer(base64.b64decode(text)))


def _as_given(column: Any, field: pa.Field[Any]) -> Any:
    try:
        return column.cast(field.type)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        return column


def _library(name: str) -> Any:
    try:
        return import_module(name)
    except ImportError as exc:
        raise InputError(
            f"The rows of this run came as a data frame of {name}, and are returned as"
            f" one; install {name} here."
        ) from exc


def _to_pandas(before: pa.Table, answers: pa.Table) -> Any:
    """Return rows with their index and their answers.

    Integers and booleans of the answers have pandas' types that know null, whether one
    of them is null or not.
    """
    pd = _library("pandas")
    frame = before.to_pandas(integer_object_nulls=True)
    for name in frame.columns:
        column = before.column(name)
        if pa.types.is_nested(column.type):  # else an array of NumPy for each list
            values = pd.Series(column.to_pylist(), frame.index, object, name)
            frame[name] = values
    kinds = {pa.int64(): pd.Int64Dtype(), pa.bool_(): pd.BooleanDtype()}
    more = answers.to_pandas(types_mapper=kinds.get)
    return pd.concat([frame, more.set_axis(frame.index)], axis=1)
