"""The shapes that replace types which a provider does not have."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from .source import Node, Source, alternatives, is_object

__all__ = ["ROOT_KEY", "Shapes", "is_pairs", "item_key", "map_value"]

ROOT_KEY = "answer"
"""The property with an answer that is no object: providers require an object."""

Test = Callable[[Any], bool]


def item_key(at: int) -> str:
    """Return the property that an item of a tuple becomes."""
    return f"item_{at + 1}"


def map_value(node: Node) -> Any:
    """Return the schema of a map's values."""
    values = list(node.get("patternProperties", {}).values())
    if more := node.get("additionalProperties"):
        values.append(more)
    return {"anyOf": values} if len(values) > 1 else next(iter(values), None)


def is_pairs(value: Any) -> bool:
    """Whether this is a map, sent as a list of its entries."""
    return isinstance(value, list) and all(
        isinstance(entry, dict)
        and entry.keys() == {"key", "value"}
        and isinstance(entry["key"], str)
        for entry in value
    )


class Shapes:
    """Tests that tell the branches of a union apart, as they are sent."""

    def __init__(self, source: Source, *, inside: bool) -> None:
        """Look at the kind of a value and, with `inside`, at all that it holds."""
        self._source = source
        self._inside = inside
        self._known: dict[str, Test] = {}

    def test(self, node: Any) -> Test:
        """Return a test for values of this branch."""
        if not isinstance(node, dict):
            return lambda _: True
        target = node.get("$ref")
        if target is None:
            return self._flat(node)
        if target not in self._known:
            self._known[target] = partial(self._later, target)
            self._known[target] = self._flat(node)
        return self._known[target]

    def _later(self, target: str, value: Any) -> bool:
        return self._known[target](value)

    def _flat(self, node: Node) -> Test:
        flat = self._source.flat(node, "The answer")
        if "enum" in flat:
            values = [_folded(value) for value in flat["enum"]]
            return lambda value: _folded(value) in values
        if nested := alternatives(flat):
            tests = [self.test(one) for one in nested]
            return lambda value: any(test(value) for test in tests)
        if flat.get("type") == "object":
            return self._object(flat) if is_object(flat) else self._map(flat)
        if "prefixItems" in flat:
            return self._tuple(flat)
        if flat.get("type") == "array" and self._inside:
            item = self.test(flat.get("items"))
            return lambda value: isinstance(value, list) and all(map(item, value))
        return _TESTS.get(str(flat.get("type")), lambda _: True)

    def _object(self, node: Node) -> Test:
        properties = node.get("properties", {})
        required = set(node.get("required", ()))
        tests = {
            name: self.test(child)
            for name, child in properties.items()
            if self._inside or self._is_tag(child)
        }

        def test(value: Any) -> bool:
            return (
                isinstance(value, dict)
                and value.keys() >= required
                and value.keys() <= properties.keys()
                and all(
                    fits(value[name]) or (value[name] is None and name not in required)
                    for name, fits in tests.items()
                    if name in value
                )
            )

        return test

    def _is_tag(self, node: Any) -> bool:
        return isinstance(node, dict) and "enum" in self._source.flat(
            node, "The answer"
        )

    def _map(self, node: Node) -> Test:
        if not self._inside:
            return is_pairs
        key = self.test(node.get("propertyNames"))
        item = self.test(map_value(node))
        return lambda value: (
            is_pairs(value)
            and all(key(entry["key"]) and item(entry["value"]) for entry in value)
        )

    def _tuple(self, node: Node) -> Test:
        keys = [item_key(at) for at in range(len(node["prefixItems"]))]
        items = [self.test(item) for item in node["prefixItems"] if self._inside]

        def test(value: Any) -> bool:
            if isinstance(value, dict) and value.keys() == set(keys):
                value = [value[key] for key in keys]
            if not isinstance(value, list) or not items:
                return isinstance(value, list)
            parts = zip(items, value, strict=False)
            return len(value) == len(items) and all(item(part) for item, part in parts)

        return test


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


def _folded(value: Any) -> Any:
    return value.casefold() if isinstance(value, str) else value
