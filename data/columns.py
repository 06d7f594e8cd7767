"""Kinds of columns: from a JSON Schema to the types of a table.

A kind is `string`, `int64`, `double`, `bool`, `date`, `timestamp`, `vector`, or
`json`: lists, objects and unions, nested in JSON lines and JSON text elsewhere.
An answer's kinds come from its schema and never from the data. JSON lines as input
have no schema, so the kind of a column comes from the values of all rows; `long` marks
integers that no float represents exactly, `null` a column without any value.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import date, datetime
from itertools import groupby
from math import isfinite
from typing import Any

import msgspec
import orjson

from ..errors import SchemaError
from ..providers.schema.source import Source

__all__ = [
    "META",
    "RESULT_COLUMNS",
    "ROW_COLUMNS",
    "as_json",
    "by_column",
    "fits",
    "kinds",
    "merge",
    "observe",
    "resolved_root",
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
}
"""Name and kind of what is written of a row, from all of its results together."""

META = {**RESULT_COLUMNS, **ROW_COLUMNS}
"""The columns that every output ends with; `results.block` has their values.

Input columns of these names come from an earlier output; prompts may use them, and
the new output has its own instead.
"""

_SIMPLE = {
    "string": "string",
    "integer": "int64",
    "number": "double",
    "boolean": "bool",
}
_FORMATS = {"date": "date", "date-time": "timestamp"}
_CONSTANTS = {str: "string", bool: "bool", int: "int64", float: "double"}
_EXACT = 2**53
"""Integers up to this stay what they are among floats."""
_WIDER = {
    frozenset(("int64", "double")): "double",
    frozenset(("int64", "long")): "long",
}
_OBSERVED = {**_CONSTANTS, type(None): "null"}


def kinds(schema: dict[str, Any] | None) -> dict[str, str]:
    """Return the columns of an answer; one column `answer` if it is no object.

    Raises:
        SchemaError: It has no field at all, or contains itself endlessly.
    """
    if schema is None:
        return {"answer": "string"}
    root = resolved_root(schema)
    parts = root.get("properties", {"answer": root})
    if not parts:
        raise SchemaError(
            "The response model has no field, so there is nothing to ask for: add one,"
            " or leave the response model out."
        )
    try:
        source = Source(schema)
        return {name: _kind(part, source) for name, part in parts.items()}
    except RecursionError:
        raise SchemaError(
            "The response model contains itself without a field between, so no answer"
            " can end, or is very large with each `$ref` written out: write down what it"
            " contains."
        ) from None


def resolved_root(schema: dict[str, Any]) -> dict[str, Any]:
    """Return what the root of the schema refers to, or the root itself."""
    return _resolve(schema, Source(schema))


def fits(kind: str, value: Any) -> bool:
    """Whether a JSON value can stand in a column of this kind; null always can."""
    if value is None:
        return True
    if kind == "int64":
        return bool(-(2**63) <= value < 2**63)
    try:
        if kind == "timestamp":
            datetime.fromisoformat(value)
        elif kind == "date":
            date.fromisoformat(value)
        elif kind == "double":
            return isfinite(value)
    except (OverflowError, TypeError, ValueError):
        return False
    return True


def observe(columns: dict[str, str], rows: Sequence[Mapping[str, Any]]) -> None:
    """Widen the kinds of a row source without a schema by further rows.

    Every row is seen before a table is written, so this is no guess: a column is
    what all its values are, and `json` where they differ. `null` is not yet any.
    """
    names = tuple(rows[0])
    if {*map(len, rows)} == {len(names)}:
        with suppress(KeyError):
            cells = [[row[name] for row in rows] for name in names]
            for name, values in zip(names, cells, strict=True):
                for kind in _seen(values):
                    columns[name] = _widen(columns.get(name), kind)
            return
    for _, alike in groupby(rows, tuple):
        observe(columns, [*alike])


def merge(parts: Iterable[Mapping[str, str]]) -> dict[str, str]:
    """Return the columns of several parts together, in order of appearance."""
    columns: dict[str, str] = {}
    for part in parts:
        for name, kind in part.items():
            columns[name] = _widen(columns.get(name), kind)
    return columns


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


def _seen(values: Sequence[Any]) -> set[str]:
    """Return the kinds of some values."""
    types = {*map(type, values)}
    seen = {_OBSERVED.get(each, "json") for each in types}
    if int in types:
        numbers = values
        if len(types) > 1:
            numbers = [value for value in values if type(value) is int]
        for extreme in (min(numbers), max(numbers)):
            if not -_EXACT <= extreme <= _EXACT:
                seen.add("long" if fits("int64", extreme) else "json")
    return seen


def _widen(before: str | None, kind: str) -> str:
    if before is None or before in {"null", kind}:
        return kind
    if kind == "null":
        return before
    return _WIDER.get(frozenset((before, kind)), "json")


def _kind(part: Any, source: Source) -> str:
    if not isinstance(part, dict):
        return "json"
    part = _resolve(part, source)
    if "enum" in part:
        found = {
            _CONSTANTS.get(type(value), "json")
            for value in part["enum"]
            if value is not None
        }
        return found.pop() if len(found) == 1 else "json"
    if "anyOf" in part:
        return _union(part["anyOf"], source)
    name = part.get("type")
    if name == "string":
        return _FORMATS.get(part.get("format", ""), "string")
    return _SIMPLE.get(name or "", "json")


def _union(members: list[Any], source: Source) -> str:
    members = [_resolve(member, source) for member in members]
    members = [member for member in members if member.get("type") != "null"]
    found = {_kind(member, source) for member in members}
    if len(found) == 1:
        return found.pop()
    # A Decimal: Pydantic takes a number or digits, and gives digits back.
    if found == {"double", "string"} and any("pattern" in member for member in members):
        return "string"
    return "json"


def _resolve(part: dict[str, Any], source: Source) -> dict[str, Any]:
    """Follow references; what has no meaning in this schema has no kind."""
    try:
        return source.flat(part, "The answer")
    except SchemaError:
        return {}


to_json_lines = msgspec.json.Encoder(enc_hook=as_json).encode_lines
"""Returns many values as JSON, each with a newline behind it."""
