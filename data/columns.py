"""Kinds of columns, which become the types of a table.

A kind is `string`, `int64`, `double`, `bool`, `date`, `timestamp`, `vector`, or
`json`: lists, objects and unions, nested in JSON lines and JSON text elsewhere.
An answer's kinds come from its schema and never from the data; those of JSON lines
as input come from their values (`observed`).
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from math import isfinite
from typing import Any

import msgspec
import orjson

__all__ = [
    "META",
    "RESERVED",
    "RESULT_COLUMNS",
    "REUSED",
    "ROW_COLUMNS",
    "SCALARS",
    "as_json",
    "by_column",
    "fits",
    "to_json",
    "to_json_lines",
    "to_jsons",
    "to_text",
    "to_texts",
    "value_text",
]

RESULT_COLUMNS = {
    "_outcome": "string",
    "_error": "string",
    "_raw": "string",
    "_custom_id": "string",
    "_batch_id": "string",
}
"""Name and kind of what is written of the result that counts, after its answer."""

ROW_COLUMNS = {
    "_input_tokens": "int64",
    "_output_tokens": "int64",
    "_cost_usd": "double",
    "_round": "int64",
}
"""Name and kind of what is written of a row, from all of its results together."""

REUSED = {"_reused": "bool"}
"""Name and kind of what is written of a row besides, in a run with `reuse`."""

META = {**RESULT_COLUMNS, **ROW_COLUMNS}
"""The columns that every output ends with; `results.block` has their values."""

RESERVED = frozenset({*META, *REUSED})
"""Names that no column of an input may have; rows that a run of version 0.1 keeps may
have those of `META`, and the output leaves them out."""

SCALARS = {str: "string", bool: "bool", int: "int64", float: "double"}
"""Kinds of JSON's scalars, by their Python type."""


def fits(kind: str, value: Any) -> bool:
    """Whether a JSON value can stand in a column of this kind; null always can."""
    if value is None:
        return True
    try:
        if kind == "int64":
            return bool(-(2**63) <= value < 2**63) and value == int(value)
        if kind == "double":
            return isfinite(value)
        if kind == "timestamp":
            datetime.fromisoformat(value)
        elif kind == "date":
            date.fromisoformat(value)
    except (OverflowError, TypeError, ValueError):
        return False
    if kind == "bool":
        return isinstance(value, bool)
    return kind != "json" or _is_finite(value)


def _is_finite(value: Any) -> bool:
    """Whether no number in a value is infinite, which JSON has no form for."""
    if isinstance(value, float):
        return isfinite(value)
    if isinstance(value, dict):
        return all(map(_is_finite, value.values()))
    return not isinstance(value, list) or all(map(_is_finite, value))


def by_column(
    rows: Sequence[Mapping[str, Any] | None], columns: Iterable[str]
) -> list[Sequence[Any]]:
    """Return the values of rows that all have these columns; of None they are null."""
    nulls = dict.fromkeys(columns)
    values = [(row or nulls).values() for row in rows]
    return [*zip(*values, strict=True)] if rows else [()] * len(nulls)


def to_text(kind: str, value: Any) -> str:
    """Return a JSON value as text: strings as they are, null as nothing."""
    if value is None:
        return ""
    if type(value) is str and kind != "json":
        return value
    text = to_json(value).decode()
    # JSON has no word for what is not a number.
    return repr(value) if text == "null" else text


def to_texts(kind: str, values: Sequence[Any]) -> Sequence[str]:
    """Return a column of JSON values as text, as `to_text` does for each."""
    types = {*map(type, values)}
    if type(None) in types:
        if len(types) == 1:
            return [""] * len(values)
        texts = iter(to_texts(kind, [each for each in values if each is not None]))
        return ["" if each is None else next(texts) for each in values]
    if kind == "json":
        # No JSON text holds a newline.
        return to_json_lines(values).decode().split("\n")[:-1]
    if types == {str}:
        return values
    if types in ({int}, {float}, {bool}):
        scalars = to_json_lines(values).decode().split("\n")[:-1]
        if "null" not in scalars:
            return scalars
    return [to_text(kind, value) for value in values]


def to_json(value: Any) -> bytes:
    """Return a value as JSON, integers of any size and Parquet's types included."""
    try:
        return orjson.dumps(value, default=as_json)
    except orjson.JSONEncodeError:
        return json.dumps(value, ensure_ascii=False, default=as_json).encode()


def to_jsons(values: Sequence[Any]) -> list[bytes]:
    """Return many values as JSON."""
    try:
        return [*map(orjson.dumps, values)]
    except orjson.JSONEncodeError:
        return [*map(to_json, values)]


def value_text(value: Any) -> str:
    """Return a Parquet value as a CSV cell."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, (list, dict, bool)):
        return to_json(value).decode()
    if isinstance(value, bytes):
        return as_json(value)
    return value.isoformat() if hasattr(value, "isoformat") else str(value)


def as_json(value: Any) -> str:
    """Return what JSON has no type for: bytes as base64, decimals as digits."""
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    return str(value)


to_json_lines = msgspec.json.Encoder(enc_hook=as_json).encode_lines
"""Returns many values as JSON, each with a newline behind it."""
