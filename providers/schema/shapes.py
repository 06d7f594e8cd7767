"""The shapes that replace types which a provider does not have."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .source import Node, Source, alternatives, is_map, is_object

__all__ = ["ROOT_KEY", "Test", "is_pairs", "item_key", "looks_like", "map_value"]

ROOT_KEY = "answer"
"""The property with an answer that is no object: providers require an object."""

Test = Callable[[Any], bool]


def item_key(at: int) -> str:
    """Return the property that an item of a tuple becomes."""
    return f"item_{at + 1}"


def map_value(node: Node) -> Any:
    """Return the schema of a map's values."""
    if "patternProperties" in node:
        values = list(node["patternProperties"].values())
        return values[0] if len(values) == 1 else {"anyOf": values}
    return node.get("additionalProperties")


def is_pairs(value: Any) -> bool:
    """Whether this is a map, sent as a list of its entries."""
    return isinstance(value, list) and all(
        isinstance(entry, dict)
        and entry.keys() == {"key", "value"}
        and isinstance(entry["key"], str)
        for entry in value
    )


def looks_like(source: Source, branch: Any) -> Test:
    """Return a test that tells the branches of a union apart."""
    if not isinstance(branch, dict):
        return lambda _: True
    flat = source.flat(branch, "The answer")
    if "enum" in flat:
        values = [_folded(value) for value in flat["enum"]]
        return lambda value: _folded(value) in values
    if nested := alternatives(flat):
        tests = [looks_like(source, one) for one in nested]
        return lambda value: any(test(value) for test in tests)
    return _object_test(source, flat) if is_object(flat) else _type_test(flat)


def _object_test(source: Source, node: Node) -> Test:
    properties = node.get("properties", {})
    required = set(node.get("required", ()))
    tests = [
        (name, looks_like(source, child))
        for name, child in properties.items()
        if _is_tag(source, child)
    ]

    def test(value: Any) -> bool:
        return (
            isinstance(value, dict)
            and value.keys() >= required
            and value.keys() <= properties.keys()
            and all(fits(value[name]) for name, fits in tests if name in value)
        )

    return test


def _is_tag(source: Source, node: Any) -> bool:
    return isinstance(node, dict) and "enum" in source.flat(node, "The answer")


_TESTS: dict[str, Test] = {
    "array": lambda value: isinstance(value, list),
    "string": lambda value: isinstance(value, str),
    "boolean": lambda value: isinstance(value, bool),
    "null": lambda value: value is None,
    "integer": lambda value: isinstance(value, int) and not isinstance(value, bool),
    "number": lambda value: (
        isinstance(value, int | float) and not isinstance(value, bool)
    ),
}


def _type_test(flat: Node) -> Test:
    if is_map(flat):
        return is_pairs
    if "prefixItems" in flat:
        keys = {item_key(at) for at in range(len(flat["prefixItems"]))}
        return lambda value: (
            isinstance(value, list)
            or (isinstance(value, dict) and value.keys() == keys)
        )
    return _TESTS.get(str(flat.get("type")), lambda _: True)


def _folded(value: Any) -> Any:
    return value.casefold() if isinstance(value, str) else value
