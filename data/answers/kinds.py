"""Kinds of an answer's columns, from its JSON Schema."""

from __future__ import annotations

from typing import Any

from ...errors import SchemaError
from ...providers.schema.source import Source
from ..columns import SCALARS

__all__ = ["has_numbers", "kinds", "resolved_root"]

_SIMPLE = {
    "string": "string",
    "integer": "int64",
    "number": "double",
    "boolean": "bool",
}
_BRANCHING = frozenset({"anyOf", "enum"})
_FORMATS = {"date": "date", "date-time": "timestamp"}


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
            " can end, or it is very large with each `$ref` written out: write down"
            " what it contains."
        ) from None


def has_numbers(schema: dict[str, Any], column: str) -> bool:
    """Whether a field may hold numbers with a fraction, or anything at all."""
    root, source = resolved_root(schema), Source(schema)
    pending, seen = [root.get("properties", {}).get(column, root)], set()
    while pending:
        part = pending.pop()
        if not isinstance(part, dict):
            return True
        if (reference := part.get("$ref")) is not None:
            if reference in seen:
                continue
            seen.add(reference)
        part = _resolve(part, source)
        if part.get("type", "number") == "number" and not _BRANCHING & part.keys():
            return True
        pending += [*part.get("anyOf", ()), *part.get("prefixItems", ())]
        pending += part.get("properties", {}).values()
        pending += [
            part[key] for key in ("items", "additionalProperties") if part.get(key)
        ]
    return False


def resolved_root(schema: dict[str, Any]) -> dict[str, Any]:
    """Return what the root of the schema refers to, or the root itself."""
    return _resolve(schema, Source(schema))


def _kind(part: Any, source: Source) -> str:
    if not isinstance(part, dict):
        return "json"
    part = _resolve(part, source)
    if "enum" in part:
        found = {
            SCALARS.get(type(value), "json")
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
