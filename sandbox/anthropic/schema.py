"""The schemas that Anthropic refuses for structured outputs and strict tools.

Read on 2026-11-23:
https://platform.claude.com/docs/en/build-with-claude/structured-outputs
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Any

import orjson

from ..answers.subschemas import common_problem, is_object, resolve, subschemas

__all__ = ["schema_problem"]

_REFUSED = frozenset(
    {"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"}
    | {"minLength", "maxLength", "maxItems"}
)
_DATES = {"date-time", "time", "date", "duration"}
_FORMATS = _DATES | {"email", "hostname", "uri", "ipv4", "ipv6", "uuid"}
_MAX_OPTIONAL = 24
_MAX_UNIONS = 16


def schema_problem(schema: Any) -> str | None:
    """Return why Anthropic refuses a schema; None: it does not."""
    return _first_problem(orjson.dumps(schema))


@lru_cache(maxsize=64)
def _first_problem(schema: bytes) -> str | None:
    return next(_problems(orjson.loads(schema)), None)


def _problems(schema: Any) -> Iterator[str]:  # noqa: C901 - one branch a rule
    """Yield problems; only the first one is reliable."""
    if not isinstance(schema, dict):
        yield "schema: Input should be an object"
    if not schema.get("type") and not {"anyOf", "allOf", "$ref"} & schema.keys():
        yield "schema: A root type is required"
    optional = unions = 0
    for path, node in subschemas(schema):
        if problem := common_problem(schema, path, node, _REFUSED):
            yield problem
        where = ".".join(("schema", *path))
        if is_object(node) and node.get("additionalProperties") is not False:
            yield (
                f"{where}: For 'object' type, 'additionalProperties' must be"
                " explicitly set to false"
            )
        if node.get("minItems", 0) not in {0, 1}:
            yield f"{where}: minItems must be 0 or 1"
        if node.get("format", "uuid") not in _FORMATS:
            yield f"{where}: format {node['format']!r} is not supported"
        if "allOf" in node and any("$ref" in part for part in node["allOf"]):
            yield f"{where}: allOf with $ref is not supported"
        required = node.get("required", ())
        optional += sum(name not in required for name in node.get("properties", {}))
        unions += "anyOf" in node or isinstance(node.get("type"), list)
    if _is_recursive(schema):
        yield "Too many recursive definitions in schema"
    if optional > _MAX_OPTIONAL or unions > _MAX_UNIONS:
        yield "Schema is too complex"


def _is_recursive(schema: dict[str, Any]) -> bool:
    """Return whether following references comes back to a definition."""
    finished: set[str] = set()

    def visit(node: Any, open_references: frozenset[str]) -> bool:
        for _, inner in subschemas({k: v for k, v in node.items() if k != "$defs"}):
            reference = inner.get("$ref")
            if reference is None or reference in finished:
                continue
            if reference in open_references or reference == "#":
                return True
            target = resolve(schema, reference)
            if isinstance(target, dict) and visit(
                target, open_references | {reference}
            ):
                return True
            finished.add(reference)
        return False

    return visit(schema, frozenset())
