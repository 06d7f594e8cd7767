"""The schemas that OpenAI's strict mode refuses.

Read on 2026-11-23: https://platform.openai.com/docs/guides/structured-outputs
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Any

import orjson

from ..answers.subschemas import Path, common_problem, is_object, subschemas

__all__ = ["schema_problem"]

_REFUSED = frozenset({"allOf", "unevaluatedProperties"})
_MAX_PROPERTIES = 5000
_MAX_LEVELS = 10
_MAX_TEXT = 120_000
_MAX_ENUM = 1000
_LONG_ENUM = 250
_MAX_LONG_ENUM_TEXT = 15_000


def schema_problem(schema: Any) -> str | None:
    """Return why strict mode refuses a schema; None: it does not."""
    return _first_problem(orjson.dumps(schema))


@lru_cache(maxsize=64)
def _first_problem(schema: bytes) -> str | None:
    return next(_problems(orjson.loads(schema)), None)


def _problems(schema: Any) -> Iterator[str]:
    """Yield problems; only the first one is reliable."""
    if not isinstance(schema, dict) or schema.get("type") != "object":
        yield "schema must be a JSON Schema of 'type: \"object\"'."
    if "anyOf" in schema:
        yield "In context=(), 'anyOf' is not permitted at the root."
    properties = values = 0
    text = sum(map(len, schema.get("$defs", {})))
    for path, node in subschemas(schema):
        problem = common_problem(schema, path, node, _REFUSED)
        if problem := problem or _object_problem(path, node):
            yield problem
        names = node.get("properties", {})
        enum = [str(value) for value in node.get("enum", ())]
        enum_text = sum(map(len, enum))
        properties += len(names)
        values += len(enum)
        text += sum(map(len, names)) + enum_text + len(str(node.get("const", "")))
        if len(enum) > _LONG_ENUM and enum_text > _MAX_LONG_ENUM_TEXT:
            yield f"In context={path}, the enum's values are too long."
    if properties > _MAX_PROPERTIES or text > _MAX_TEXT or values > _MAX_ENUM:
        yield "The schema exceeds the limits on properties, enum values or text."


def _object_problem(path: Path, node: dict[str, Any]) -> str | None:
    if not is_object(node):
        return None
    if node.get("additionalProperties") is not False:
        return (
            f"In context={path}, 'additionalProperties' is required to be supplied"
            " and to be false."
        )
    properties = node.get("properties", {})
    if missing := [name for name in properties if name not in node.get("required", ())]:
        return (
            f"In context={path}, 'required' is required to be supplied and to be an"
            f" array including every key in properties. Missing {missing[0]!r}."
        )
    if extra := [name for name in node.get("required", ()) if name not in properties]:
        return (
            f"In context={path}, 'required' is required to be an array of keys in"
            f" properties. Extra required key {extra[0]!r} supplied."
        )
    if _level(path) > _MAX_LEVELS:
        return f"In context={path}, the schema exceeds {_MAX_LEVELS} levels."
    return None


def _level(path: Path) -> int:
    """Return the number of objects and arrays around a node; definitions start at 1."""
    return 1 + sum(
        part in {"properties", "items"} and (i == 0 or path[i - 1] != "properties")
        for i, part in enumerate(path)
        if "$defs" not in path[:i]
    )
