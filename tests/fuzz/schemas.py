"""JSON Schemas that are almost valid."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

from .documents import JSON, TEXT, damaged, edited, json_bytes, rare

__all__ = ["SCHEMAS", "SCHEMA_BYTES"]

_TYPES = ("string", "integer", "number", "boolean", "null", "array", "object")
_NAMES = st.sampled_from(
    ["a", "b", "c", "key", "value", "answer", "item_1", "_outcome"]
)
_NUMBERS = st.sampled_from([0, 1, -1, 2, 0.5, 10**30, 2**63, -(2**64), 1e308])
_REFERENCES = st.sampled_from(
    [
        *("#", "#/", "#/$defs/a", "#/$defs/b", "#/properties/a", "#/required/0", "#a"),
        *(
            "#/$defs/a/properties/a",
            "#/$defs/%zz",
            "#/~2",
            "http://x.invalid/s",
            "x.json",
        ),
        *("#/anyOf/0", "#/$defs/missing", "file:///etc/passwd", "#/items", "", "##"),
    ]
)
_PATTERNS = ["^a+$", "(a+)+$", "(?<=a)b", "[", "\\p{L}", "\\d{1,999999}", "(?i)x", ""]


def _annotations(draw: DrawFn) -> dict[str, Any]:
    return draw(
        st.fixed_dictionaries(
            {},
            optional={
                "description": TEXT,
                "title": TEXT,
                "default": JSON,
                "examples": st.lists(JSON, max_size=2),
                "$comment": TEXT,
                "$id": st.sampled_from(["http://x.invalid/s", "a", ""]),
                "$anchor": st.sampled_from(["a", "b"]),
                "discriminator": JSON,
                "deprecated": st.booleans(),
                "readOnly": JSON,
            },
        )
    )


def _constraints(draw: DrawFn) -> dict[str, Any]:
    return draw(
        st.fixed_dictionaries(
            {},
            optional={
                "enum": st.lists(JSON, max_size=3),
                "const": JSON,
                "minimum": _NUMBERS,
                "exclusiveMaximum": _NUMBERS,
                "multipleOf": st.sampled_from([1, 0.01, 1e-300, 10**30]),
                "minLength": st.sampled_from([0, 1, 2**31, 10**30]),
                "maxLength": st.sampled_from([0, 1, 2**31, 10**30]),
                "pattern": st.sampled_from(_PATTERNS),
                "format": st.sampled_from(["date", "date-time", "uuid", "regex", "x"]),
                "minItems": st.sampled_from([0, 1, 5, 10**6, 10**30]),
                "maxItems": st.sampled_from([0, 1, 10**30]),
                "uniqueItems": st.booleans(),
                "contentEncoding": TEXT,
            },
        )
    )


@st.composite
def _node(draw: DrawFn, depth: int) -> Any:  # noqa: C901 - keyword by keyword
    if draw(st.integers(0, 11)) == 0:
        return draw(st.booleans() | st.just({}))
    node: dict[str, Any] = {}
    if draw(st.integers(0, 3)) == 0:
        node |= _annotations(draw)
    if draw(st.integers(0, 2)) == 0:
        node |= _constraints(draw)
    if draw(st.integers(0, 7)):
        kind = draw(st.sampled_from(_TYPES[:4] if depth == 0 else _TYPES))
        node["type"] = draw(
            rare(
                st.just(kind),
                st.lists(st.sampled_from(_TYPES), min_size=1, unique=True),
            )
        )
    if draw(st.integers(0, 7)) == 0:
        node["$ref"] = draw(_REFERENCES)
    if depth == 0:
        return node
    inner = _node(depth - 1)
    wanted = draw(st.sets(st.sampled_from([*_WITH]), max_size=2))
    if node.get("type") == "object":
        wanted |= {"properties"}
    if node.get("type") == "array":
        wanted |= {"items"}
    for keyword in sorted(wanted):
        node[keyword] = draw(_WITH[keyword](inner))
    if "properties" in node:
        node["required"] = draw(
            st.lists(st.sampled_from([*node["properties"], "b"]), unique=True)
        )
    return node


def _list(inner: SearchStrategy[Any]) -> SearchStrategy[Any]:
    return st.lists(inner, min_size=1, max_size=3)


def _map(inner: SearchStrategy[Any]) -> SearchStrategy[Any]:
    return st.dictionaries(_NAMES, inner, max_size=3)


_WITH: dict[str, Any] = {
    "properties": _map,
    "items": lambda inner: inner,
    "prefixItems": _list,
    "anyOf": _list,
    "oneOf": _list,
    "allOf": _list,
    "not": lambda inner: inner,
    "if": lambda inner: inner,
    "then": lambda inner: inner,
    "additionalProperties": lambda inner: inner,
    "patternProperties": lambda inner: st.dictionaries(
        st.sampled_from(_PATTERNS), inner, max_size=2
    ),
    "propertyNames": lambda inner: inner,
    "dependentSchemas": _map,
    "contains": lambda inner: inner,
    "unevaluatedProperties": lambda inner: inner,
}


@st.composite
def _root(draw: DrawFn) -> Any:
    node = draw(_node(3))
    if isinstance(node, dict) and draw(st.booleans()):
        node["$defs"] = draw(_map(_node(2)))
        if draw(st.booleans()):
            node["properties"] = {"a": {"$ref": "#/$defs/a"}}
            node["type"] = "object"
    return node


SCHEMAS = rare(_root(), _root().flatmap(edited))
SCHEMA_BYTES = damaged(SCHEMAS.map(json_bytes))
