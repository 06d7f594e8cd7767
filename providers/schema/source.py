"""Reads a source JSON Schema: resolves `$ref`, merges `allOf`, tells kinds of nodes.

Conversion, restoring and the types of table columns all use it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import unquote

from ...errors import SchemaError

__all__ = [
    "ANNOTATIONS",
    "Node",
    "Source",
    "alternatives",
    "is_map",
    "is_object",
    "nullable",
    "without_null",
]

Node = dict[str, Any]

ANNOTATIONS = frozenset(
    {"title", "description", "default", "examples", "deprecated", "$comment"}
    | {"readOnly", "writeOnly", "discriminator", "$defs", "definitions"}
    | {"$schema", "$id", "$anchor"}
)
"""Keywords that do not constrain values."""

_MOST_REFERENCES = 20_000
_OBJECT = frozenset({"properties", "additionalProperties", "patternProperties"})
_OF_TYPE: dict[str, set[str]] = {
    "string": {"minLength", "maxLength", "pattern", "format", "contentEncoding"},
    "number": {"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"},
    "array": {"items", "prefixItems", "minItems", "maxItems", "uniqueItems"},
    "object": {"required", "propertyNames", "minProperties", "maxProperties", *_OBJECT},
}
_OF_TYPE["number"].add("multipleOf")
_OF_TYPE["integer"] = _OF_TYPE["number"]
_TYPED = frozenset().union(*_OF_TYPE.values())
_PYTHON = (
    (bool, "boolean"),
    (str, "string"),
    (int, "integer"),
    (float, "number"),
    (type(None), "null"),
    (list, "array"),
    (dict, "object"),
)


class Source:
    """One source schema, its references resolved on the way."""

    def __init__(self, root: Node) -> None:
        self.root = root
        self._left = _MOST_REFERENCES

    def resolve(self, reference: str, path: str) -> Node:
        """Return what an internal `$ref` points to.

        Raises:
            SchemaError: It points to nothing.
            RecursionError: A few definitions refer to each other in so many ways that
                the schema is too large where they are written out.
        """
        self._left -= 1
        if self._left < 0:
            raise RecursionError
        node: Any = self.root
        if not reference.startswith("#"):
            raise SchemaError(
                f"{path} refers to {reference!r}, outside this schema: "
                f"copy that definition into `$defs`."
            )
        pointer = unquote(reference[1:])
        if pointer and not pointer.startswith("/"):
            node = _anchored(node, pointer)
        for step in pointer.split("/")[1:]:
            key = step.replace("~1", "/").replace("~0", "~")
            if isinstance(node, list) and key.isdecimal():
                node = dict(enumerate(node)).get(int(key))
            else:
                node = node.get(key) if isinstance(node, dict) else None
        if not isinstance(node, dict):
            raise SchemaError(f"{path} refers to {reference!r}, which does not exist.")
        return node

    def flat(self, node: Node, path: str) -> Node:
        """Return the node without `$ref`, `allOf`, `oneOf` and lists of types."""
        seen: set[str] = set()
        while "$ref" in node or "allOf" in node:
            node = dict(node)
            parts = list(node.pop("allOf", ()))
            if reference := node.pop("$ref", None):
                if reference in seen:
                    raise SchemaError(f"{path} refers to itself and nothing else.")
                seen.add(reference)
                parts.insert(0, self.resolve(reference, path))
            node = _merge([*parts, node], path)
        if "oneOf" in node:
            node = dict(node)
            one_of = node.pop("oneOf")
            node["anyOf"] = [*node.get("anyOf", ()), *one_of]
        if not all(isinstance(branch, dict) for branch in node.get("anyOf", ())):
            raise SchemaError(
                f"{path} has a branch that is true or false instead of a schema: write"
                " down what that branch may be, or leave it out."
            )
        return _typed(node)

    def admits_null(self, node: Any, path: str) -> bool:
        """Whether null is a valid value."""
        if not isinstance(node, dict):
            return bool(node)
        node = self.flat(node, path)
        branches = alternatives(node)
        if branches:
            return any(self.admits_null(branch, path) for branch in branches)
        if "enum" in node:
            return None in list(node["enum"])
        return node.get("type") in (None, "null")


def _anchored(node: Any, name: str) -> Any:
    """Return the subschema with this `$anchor`; None where there is none."""
    pending = [node]
    while pending:
        node = pending.pop()
        if isinstance(node, dict):
            if node.get("$anchor") == name:
                return node
            pending += node.values()
        elif isinstance(node, list):
            pending += node
    return None


def alternatives(node: Node) -> list[Node]:
    """Return the branches of a union; none where the node also has a type."""
    return [] if "type" in node else node.get("anyOf", [])


def is_object(node: Node) -> bool:
    """Whether a flat node is an object with known properties."""
    if node.get("type") != "object":
        return False
    closed = node.get("additionalProperties") is False
    return "properties" in node or (closed and "patternProperties" not in node)


def is_map(node: Node) -> bool:
    """Whether a flat node is an object with any keys and values of one kind."""
    return node.get("type") == "object" and not is_object(node)


def nullable(schema: Node) -> Node:
    """Return the schema with null allowed besides."""
    null: Node = {"type": "null"}
    if schema == null or null in schema.get("anyOf", ()):
        return schema
    if "anyOf" in schema:
        return {**schema, "anyOf": [*schema["anyOf"], null]}
    inner = dict(schema)
    outer: Node = {"anyOf": [inner, null]}
    if "description" in inner:
        outer["description"] = inner.pop("description")
    return outer


def without_null(node: Node) -> Node:
    """Return a flat node without the branches of its union that are null."""
    branches = alternatives(node)
    kept = [branch for branch in branches if branch.get("type") != "null"]
    if not kept or len(kept) == len(branches):
        return node
    rest = {key: value for key, value in node.items() if key != "anyOf"}
    return {**kept[0], **rest} if len(kept) == 1 else {**rest, "anyOf": kept}


def _typed(node: Node) -> Node:
    """Add a type that other keywords imply; split a list of types into a union."""
    kind = node.get("type")
    if "const" in node:
        node = {**node, "enum": [node["const"]]}
        del node["const"]
    if kind is None and "anyOf" not in node:
        return _inferred(node)
    if not isinstance(kind, list):
        if "enum" in node:
            values = [value for value in node["enum"] if _fits_type(value, str(kind))]
            node = {**node, "enum": values}
        return node
    if len(kind) == 1:
        return {**node, "type": kind[0]}
    outer = {key: value for key, value in node.items() if key in ANNOTATIONS}
    return {**outer, "anyOf": [_of_type(node, one) for one in kind]}


def _inferred(node: Node) -> Node:
    if "enum" in node:
        kinds = list(dict.fromkeys(_json_type(value) for value in node["enum"]))
        return _typed({**node, "type": kinds}) if kinds else node
    if "properties" in node:
        return {**node, "type": "object"}
    if "items" in node or "prefixItems" in node:
        return {**node, "type": "array"}
    return node


def _of_type(node: Node, kind: str) -> Node:
    mine = _OF_TYPE.get(kind, set())
    branch = {
        key: value
        for key, value in node.items()
        if key not in ANNOTATIONS and (key not in _TYPED or key in mine)
    }
    branch["type"] = kind
    if "enum" in branch:
        values = [v for v in branch["enum"] if _fits_type(v, kind)]
        branch["enum"] = values
        if kind == "null":
            del branch["enum"]
    return branch


def _fits_type(value: Any, kind: str) -> bool:
    actual = _json_type(value)
    return actual == kind or (actual == "integer" and kind == "number")


def _json_type(value: Any) -> str:
    return next(name for kind, name in _PYTHON if isinstance(value, kind))


def _merge(parts: list[Any], path: str) -> Node:
    """Merge schemas that must all hold into one; later annotations win."""
    merged: Node = {}
    for part in parts:
        if not isinstance(part, Mapping):
            raise SchemaError(f"{path} has an `allOf` part that is no object.")
        for key, value in part.items():
            merged[key] = (
                _both(key, merged[key], value, path)
                if key in merged and key not in ANNOTATIONS
                else value
            )
    return merged


def _both(key: str, one: Any, other: Any, path: str) -> Any:
    if one == other:
        return one
    if key not in _MERGE:
        raise SchemaError(
            f"{path} sets `{key}` twice in an `allOf`, in two ways: merge them by hand."
        )
    return _MERGE[key](one, other)


def _properties(one: Node, other: Node) -> Node:
    common = one.keys() & other.keys()
    merged = {k: {"allOf": [one[k], other[k]]} for k in common if one[k] != other[k]}
    return {**one, **other, **merged}


_MERGE: dict[str, Callable[[Any, Any], Any]] = {
    "properties": _properties,
    "required": lambda one, other: list(dict.fromkeys([*one, *other])),
    "allOf": lambda one, other: [*one, *other],
    "enum": lambda one, other: [value for value in one if value in other],
    "additionalProperties": lambda one, other: (
        False if False in (one, other) else {"allOf": [one, other]}
    ),
    **dict.fromkeys(("minimum", "exclusiveMinimum", "minLength", "minItems"), max),
    **dict.fromkeys(("maximum", "exclusiveMaximum", "maxLength", "maxItems"), min),
}
