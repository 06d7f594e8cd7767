"""Walks the subschemas of a JSON Schema and finds what no vendor accepts.

Each vendor's own rules are in its `schema.py`. They are written from the vendors'
documentation alone, independently of the converters in `providers/`, so that the
sandbox can judge those.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote

__all__ = ["Path", "common_problem", "is_object", "resolve", "subschemas"]

Path = tuple[str, ...]
"""Keys that lead to a subschema."""

_REFUSED = frozenset(
    {"oneOf", "not", "if", "then", "else", "dependentRequired", "dependentSchemas"}
    | {"patternProperties", "propertyNames", "prefixItems", "contains", "uniqueItems"}
    | {"minProperties", "maxProperties", "unevaluatedItems", "nullable"}
    | {"$anchor", "$dynamicAnchor", "$dynamicRef", "$recursiveRef"}
)
"""Keywords that no vendor accepts."""


def subschemas(schema: Any, path: Path = ()) -> Iterator[tuple[Path, dict[str, Any]]]:
    """Yield the schema and each schema in it, without following references."""
    if not isinstance(schema, dict):
        return
    yield path, schema
    for key in ("properties", "$defs", "definitions"):
        for name, inner in (schema.get(key) or {}).items():
            yield from subschemas(inner, (*path, key, name))
    for key in ("anyOf", "allOf"):
        for number, inner in enumerate(schema.get(key) or ()):
            yield from subschemas(inner, (*path, key, str(number)))
    for key in ("items", "additionalProperties"):
        yield from subschemas(schema.get(key), (*path, key))


def common_problem(
    root: dict[str, Any], path: Path, node: dict[str, Any], refused: frozenset[str]
) -> str | None:
    """Return what is wrong with one subschema by the rules of both vendors.

    Args:
        root: The whole schema, for references.
        path: Where `node` is in it.
        node: The subschema.
        refused: More keywords that the vendor does not accept.
    """
    if found := node.keys() & (_REFUSED | refused):
        return f"In context={path}, {min(found)!r} is not permitted."
    if "$ref" in node:
        if resolve(root, node["$ref"]) is None:
            return f"In context={path}, reference {node['$ref']!r} leads nowhere."
        return None
    if not node.keys() & {"type", "anyOf", "allOf", "enum", "const"}:
        return f"In context={path}, schema must have a 'type' key."
    kind = node.get("type")
    problem = None
    for value in node.get("enum", ()):
        if type(kind) is str and not isinstance(value, _TYPES.get(kind, object)):
            problem = f"In context={path}, enum value {value!r} is no {kind}."
    if kind == "array" and not isinstance(node.get("items"), dict):
        problem = f"In context={path}, array schema missing items."
    return problem


_TYPES: dict[Any, Any] = {
    "string": str,
    "boolean": bool,
    "null": type(None),
    "integer": int,
    "number": (int, float),
}


def is_object(node: dict[str, Any]) -> bool:
    """Return whether the schema accepts objects by its `type`."""
    kind = node.get("type")
    return kind == "object" or (isinstance(kind, list) and "object" in kind)


def resolve(root: Any, reference: str) -> Any:
    """Return what a reference within the schema points to; None: nothing."""
    pointer = unquote(reference).removeprefix("#")
    if not reference.startswith("#") or (pointer and not pointer.startswith("/")):
        return None
    for part in pointer.split("/")[1:]:
        key = part.replace("~1", "/").replace("~0", "~")
        root = root.get(key) if isinstance(root, dict) else None
    return root
