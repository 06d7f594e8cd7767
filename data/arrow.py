"""Kinds of columns as Arrow types, and their values as Arrow arrays."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any

import pyarrow as pa

from .columns import to_text, to_texts

__all__ = ["POOL", "to_array", "to_fields"]

POOL = pa.system_memory_pool()
"""Gives memory back at once; Arrow's default pool keeps it."""

_TYPES: dict[str, pa.DataType] = {
    "bool": pa.bool_(),
    "date": pa.date32(),
    "double": pa.float64(),
    "int64": pa.int64(),
    "json": pa.string(),
    "long": pa.int64(),
    "null": pa.null(),
    "string": pa.string(),
    "timestamp": pa.timestamp("us", tz="UTC"),
    "vector": pa.list_(pa.float64()),
}


def to_fields(columns: Mapping[str, str]) -> list[pa.Field[Any]]:
    """Return the Arrow fields of columns by kind."""
    return [pa.field(name, _TYPES[kind]) for name, kind in columns.items()]


def to_array(kind: str, values: Sequence[Any]) -> pa.Array[Any]:
    """Return JSON values as one column; they must fit its kind."""
    if kind == "json":
        values = _json_texts(values)
    convert = _CONVERT.get(kind)
    if convert is None:
        try:
            return pa.array(values, _TYPES[kind], memory_pool=POOL)
        except (pa.ArrowInvalid, pa.ArrowTypeError):
            convert = _COERCE[kind]
    values = [None if value is None else convert(value) for value in values]
    return pa.array(values, _TYPES[kind], memory_pool=POOL)


def _json_texts(values: Sequence[Any]) -> Sequence[str | None]:
    """Return the cell of a `json` column for each value: its JSON text, or null."""
    texts = to_texts("json", values)
    return [text or None for text in texts] if None in values else texts


def _timestamp(text: str) -> datetime:
    """Read a time; one without an offset is taken as UTC."""
    value = datetime.fromisoformat(text)
    return value.replace(tzinfo=UTC) if value.tzinfo is None else value


_CONVERT: dict[str, Callable[[Any], Any]] = {
    "date": date.fromisoformat,
    "timestamp": _timestamp,
}
_COERCE: dict[str, Callable[[Any], Any]] = {
    "double": float,
    "int64": int,
    "string": lambda value: to_text("string", value),
}
"""Asked only where a column holds more than its type: `1.0` for an integer."""
