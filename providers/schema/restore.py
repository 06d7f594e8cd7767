"""Converts answers back to the shape of the source JSON Schema."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from .shapes import ROOT_KEY, Shapes, is_pairs, item_key, map_value
from .source import Node, Source, alternatives, is_map, is_object

__all__ = ["Restorer"]

Restore = Callable[[Any], Any]


class Restorer:
    """Restores answers; the functions for the last source schema are kept."""

    def __init__(self) -> None:
        self._prepared: tuple[Node | None, Restore] = (None, _same)

    def __call__(self, source: Node, answer: Any) -> Any:
        """Return `answer` in the shape that `source` describes.

        Never fails: a value of an unexpected shape is returned unchanged.
        """
        known, restore = self._prepared
        if known is not source:
            try:
                restore = _Walk(source).root()
            except RecursionError:  # `convert` refuses such a schema
                restore = _same
            self._prepared = source, restore
        return restore(answer)


def _same(value: Any) -> Any:
    return value


class _Walk:
    """Turns a source schema into functions, one for each node."""

    def __init__(self, source: Node) -> None:
        self.source = Source(source)
        self.exact = Shapes(self.source, inside=True)
        self.rough = Shapes(self.source, inside=False)
        self.known: dict[str, Restore] = {}

    def root(self) -> Restore:
        restore = self.node(self.source.root)
        if is_object(self.source.flat(self.source.root, "The answer")):
            return restore

        def unwrap(value: Any) -> Any:
            if isinstance(value, dict) and value.keys() == {ROOT_KEY}:
                value = value[ROOT_KEY]
            return restore(value)

        return unwrap

    def node(self, node: Any) -> Restore:
        if not isinstance(node, dict):
            return _same
        target = node.get("$ref")
        if target is None:
            return self.flat(node)
        if target not in self.known:
            self.known[target] = partial(self.later, target)
            self.known[target] = self.flat(node)
        return self.known[target]

    def later(self, target: str, value: Any) -> Any:
        return self.known[target](value)

    def flat(self, node: Node) -> Restore:
        flat = self.source.flat(node, "The answer")
        if branches := alternatives(flat):
            return self.union(branches)
        if is_object(flat):
            return self.object(flat)
        if is_map(flat):
            return self.map(flat)
        if "prefixItems" in flat:
            return self.tuple(flat)
        if flat.get("type") == "array":
            return self.array(flat)
        return _enum(flat["enum"]) if "enum" in flat else _same

    def union(self, branches: list[Node]) -> Restore:
        # Values of two branches may be of one kind, as a list and a map are, which is
        # sent as a list; then what they hold decides.
        choices = [
            (shapes.test(branch), self.node(branch))
            for shapes in (self.exact, self.rough)
            for branch in branches
        ]
        # A map that came as a map, which only an unenforced schema lets through.
        choices += [(_is_map, self.node(one)) for one in branches if self.is_map(one)]

        def restore(value: Any) -> Any:
            for fits, choice in choices:
                if fits(value):
                    return choice(value)
            return value

        return restore

    def is_map(self, node: Any) -> bool:
        return isinstance(node, dict) and is_map(self.source.flat(node, "The answer"))

    def object(self, node: Node) -> Restore:
        children = {
            name: self.node(child) for name, child in node.get("properties", {}).items()
        }
        droppable = {
            name
            for name, child in node.get("properties", {}).items()
            if name not in node.get("required", ())
            and not self.source.admits_null(child, "The answer")
        }

        def restore(value: Any) -> Any:
            if not isinstance(value, dict):
                return value
            return {
                name: children.get(name, _same)(item)
                for name, item in value.items()
                if item is not None or name not in droppable
            }

        return restore

    def map(self, node: Node) -> Restore:
        key, value = self.node(node.get("propertyNames")), self.node(map_value(node))

        def restore(entries: Any) -> Any:
            if is_pairs(entries):
                entries = {entry["key"]: entry["value"] for entry in entries}
            if not isinstance(entries, dict):
                return entries
            return {key(name): value(item) for name, item in entries.items()}

        return restore

    def tuple(self, node: Node) -> Restore:
        items = [self.node(item) for item in node["prefixItems"]]
        keys = [item_key(at) for at in range(len(items))]

        def restore(value: Any) -> Any:
            if isinstance(value, dict) and value.keys() == set(keys):
                value = [value[key] for key in keys]
            if not isinstance(value, list) or len(value) != len(items):
                return value
            return [item(part) for item, part in zip(items, value, strict=True)]

        return restore

    def array(self, node: Node) -> Restore:
        item = self.node(node.get("items"))
        if item is _same:
            return _same
        return lambda value: (
            [item(part) for part in value] if isinstance(value, list) else value
        )


def _is_map(value: Any) -> bool:
    return isinstance(value, dict)


def _enum(values: list[Any]) -> Restore:
    """Return declared values for those that differ in letter case alone."""
    declared = {value for value in values if isinstance(value, str)}
    folded: dict[str, list[str]] = {}
    for value in declared:
        folded.setdefault(value.casefold(), []).append(value)
    unique = {key: found[0] for key, found in folded.items() if len(found) == 1}

    def restore(value: Any) -> Any:
        if not isinstance(value, str) or value in declared:
            return value
        return unique.get(value.casefold(), value)

    return restore
