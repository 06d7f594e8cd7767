"""What the providers refuse in a schema, checked on its own.

Written from the rules and from nothing of batchwright's own converters, so that one
can judge the other. Read 2026-11-23:
https://platform.openai.com/docs/guides/structured-outputs and
https://platform.claude.com/docs/en/build-with-claude/structured-outputs
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

__all__ = ["anthropic_problem", "openai_problem"]

_OPENAI_REFUSED = (
    "allOf",
    "oneOf",
    "not",
    "if",
    "then",
    "else",
    "dependentRequired",
    "dependentSchemas",
    "patternProperties",
    "propertyNames",
    "prefixItems",
    "contains",
    "uniqueItems",
    "unevaluatedProperties",
    "minProperties",
    "maxProperties",
)
_ANTHROPIC_REFUSED = (
    "oneOf",
    "not",
    "if",
    "then",
    "else",
    "dependentRequired",
    "dependentSchemas",
    "patternProperties",
    "propertyNames",
    "prefixItems",
    "contains",
    "uniqueItems",
    "minimum",
    "maximum",
    "exclusiveMinimum",
    "exclusiveMaximum",
    "multipleOf",
    "minLength",
    "maxLength",
    "maxItems",
    "minProperties",
    "maxProperties",
)
_ANTHROPIC_FORMATS = {
    "date-time",
    "time",
    "date",
    "duration",
    "email",
    "hostname",
    "uri",
    "ipv4",
    "ipv6",
    "uuid",
}
_MAX_PROPERTIES = 5000
_MAX_LEVELS = 10
_MAX_TEXT = 120_000
_MAX_ENUM = 1000
_LONG_ENUM = 250
_MAX_LONG_ENUM_TEXT = 15_000
_MAX_OPTIONAL = 24
_MAX_UNIONS = 16

Place = tuple[str, ...]


def openai_problem(schema: Any) -> str | None:
    """Return why OpenAI's strict mode refuses `schema`, or None."""
    return next(_openai_problems(schema), None)


def anthropic_problem(schema: Any) -> str | None:
    """Return why Anthropic refuses `schema` for structured outputs, or None."""
    return next(_anthropic_problems(schema), None)


def _openai_problems(schema: Any) -> Iterator[str]:
    """Yield what is wrong; only the first is sure to make sense."""
    if not isinstance(schema, dict) or schema.get("type") != "object":
        yield "schema must be a JSON Schema of 'type: \"object\"'."
    if "anyOf" in schema:
        yield "In context=(), 'anyOf' is not permitted at the root."
    properties = text = values = 0
    for place, node in _nodes(schema):
        problem = _common(schema, place, node, _OPENAI_REFUSED) or _strict(place, node)
        if problem:
            yield problem
        if _is_object(node) and _level(place) > _MAX_LEVELS:
            yield f"In context={place}, the schema exceeds {_MAX_LEVELS} levels."
        names = node.get("properties", {})
        enum = [str(value) for value in node.get("enum", ())]
        properties += len(names)
        values += len(enum)
        text += sum(map(len, names)) + sum(map(len, enum))
        text += len(str(node.get("const", "")))
        if len(enum) > _LONG_ENUM and sum(map(len, enum)) > _MAX_LONG_ENUM_TEXT:
            yield f"In context={place}, the enum's values are too long."
    for name in schema.get("$defs", {}):
        text += len(name)
    if properties > _MAX_PROPERTIES or text > _MAX_TEXT or values > _MAX_ENUM:
        yield "The schema exceeds the limits on properties, enum values or text."


def _strict(place: Place, node: dict[str, Any]) -> str | None:
    if not _is_object(node):
        return None
    if node.get("additionalProperties") is not False:
        return (
            f"In context={place}, 'additionalProperties' is required to be supplied"
            " and to be false."
        )
    properties = node.get("properties", {})
    if missing := [name for name in properties if name not in node.get("required", ())]:
        return (
            f"In context={place}, 'required' is required to be supplied and to be an"
            f" array including every key in properties. Missing {missing[0]!r}."
        )
    return None


def _anthropic_problems(schema: Any) -> Iterator[str]:  # noqa: C901 - one per rule
    """Yield what is wrong; only the first is sure to make sense."""
    if not isinstance(schema, dict):
        yield "schema: Input should be an object"
    if not schema.get("type") and not {"anyOf", "allOf", "$ref"} & schema.keys():
        yield "schema: A root type is required"
    optional = unions = 0
    for place, node in _nodes(schema):
        problem = _common(schema, place, node, _ANTHROPIC_REFUSED)
        if problem:
            yield problem
        if _is_object(node) and node.get("additionalProperties") is not False:
            yield (
                f"{_dotted(place)}: For 'object' type, 'additionalProperties' must be"
                " explicitly set to false"
            )
        if node.get("minItems", 0) not in {0, 1}:
            yield f"{_dotted(place)}: minItems must be 0 or 1"
        if node.get("format", "uuid") not in _ANTHROPIC_FORMATS:
            yield f"{_dotted(place)}: format {node['format']!r} is not supported"
        if "allOf" in node and any("$ref" in part for part in node["allOf"]):
            yield f"{_dotted(place)}: allOf with $ref is not supported"
        required = node.get("required", ())
        optional += sum(name not in required for name in node.get("properties", {}))
        unions += "anyOf" in node or isinstance(node.get("type"), list)
    if _is_recursive(schema):
        yield "Too many recursive definitions in schema"
    if optional > _MAX_OPTIONAL or unions > _MAX_UNIONS:
        yield "Schema is too complex"


def _common(
    root: dict[str, Any], place: Place, node: dict[str, Any], refused: tuple[str, ...]
) -> str | None:
    """Check what both ask for."""
    for keyword in refused:
        if keyword in node:
            return f"In context={place}, {keyword!r} is not permitted."
    if "$ref" in node:
        if _target(root, node["$ref"]) is None:
            return f"In context={place}, reference {node['$ref']!r} leads nowhere."
        return None
    if not node.keys() & {"type", "anyOf", "allOf", "enum", "const"}:
        return f"In context={place}, schema must have a 'type' key."
    if node.get("type") == "array" and not isinstance(node.get("items"), dict):
        return f"In context={place}, array schema missing items."
    return None


def _nodes(schema: Any, place: Place = ()) -> Iterator[tuple[Place, dict[str, Any]]]:
    """Walk every subschema without following references."""
    if not isinstance(schema, dict):
        return
    yield place, schema
    for key in ("properties", "$defs", "definitions"):
        for name, inner in (schema.get(key) or {}).items():
            yield from _nodes(inner, (*place, key, name))
    for key in ("anyOf", "allOf"):
        for number, inner in enumerate(schema.get(key) or ()):
            yield from _nodes(inner, (*place, key, str(number)))
    for key in ("items", "additionalProperties"):
        yield from _nodes(schema.get(key), (*place, key))


def _is_object(node: dict[str, Any]) -> bool:
    kind = node.get("type")
    return kind == "object" or (isinstance(kind, list) and "object" in kind)


def _level(place: Place) -> int:
    """How many objects or arrays stand around a node; definitions start anew."""
    return 1 + sum(
        part in {"properties", "items"} and (i == 0 or place[i - 1] != "properties")
        for i, part in enumerate(place)
        if "$defs" not in place[:i]
    )


def _dotted(place: Place) -> str:
    return ".".join(("schema", *place))


def _target(root: Any, reference: str) -> Any:
    if not reference.startswith("#"):
        return None
    for part in reference.split("/")[1:]:
        root = root.get(part) if isinstance(root, dict) else None
    return root


def _is_recursive(schema: dict[str, Any]) -> bool:
    """Whether following references ever comes back to a definition under way."""
    finished: set[str] = set()

    def visit(node: Any, under_way: frozenset[str]) -> bool:
        for _, inner in _nodes({k: v for k, v in node.items() if k != "$defs"}):
            reference = inner.get("$ref")
            if reference is None or reference in finished:
                continue
            if reference in under_way or reference == "#":
                return True
            target = _target(schema, reference)
            if isinstance(target, dict) and visit(target, under_way | {reference}):
                return True
            finished.add(reference)
        return False

    return visit(schema, frozenset())
