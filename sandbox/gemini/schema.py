"""The schemas that Gemini refuses in `responseJsonSchema` and for functions.

Read on 2026-11-28: https://ai.google.dev/api/generate-content
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Any

import orjson

from ..answers.subschemas import resolve, subschemas

__all__ = ["schema_problem"]

_TAKEN = frozenset(
    {"type", "format", "title", "description", "enum", "items", "prefixItems"}
    | {"minItems", "maxItems", "minimum", "maximum", "anyOf", "oneOf", "properties"}
    | {"additionalProperties", "required", "propertyOrdering"}
    | {"$id", "$defs", "$ref", "$anchor"}
)
_FORMATS = {"date-time", "date", "time"}


def schema_problem(schema: Any) -> str | None:
    """Return why Gemini refuses a schema; None: it does not."""
    return _first_problem(orjson.dumps(schema))


@lru_cache(maxsize=64)
def _first_problem(schema: bytes) -> str | None:
    return next(_problems(orjson.loads(schema)), None)


def _problems(schema: Any) -> Iterator[str]:
    if not isinstance(schema, dict):
        yield "the schema must be an object"
        return
    for path, node in subschemas(schema):
        where = ".".join(("schema", *path))
        for name in sorted(node.keys() - _TAKEN):
            yield f"{where}: {name} is not supported"
        if "$ref" in node:
            if resolve(schema, node["$ref"]) is None:
                yield f"{where}: {node['$ref']} leads nowhere"
            if any(not name.startswith("$") for name in node):
                yield f"{where}: no other members may stand beside $ref"
            continue
        if node.get("format", "date") not in _FORMATS:
            yield f"{where}: format {node['format']!r} is not supported"
        names = node.get("properties", {})
        if missing := [name for name in node.get("required", ()) if name not in names]:
            yield f"{where}: required property {missing[0]!r} is not defined"
