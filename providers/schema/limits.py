"""Checks a converted schema against the provider's size limits."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ...errors import SchemaError
from .dialects import Dialect
from .source import Node, nullable

__all__ = ["OptionalField", "fit"]

_LONG_ENUM = 250


@dataclass(frozen=True)
class OptionalField:
    """A property that need not be there: its object, its name and its source."""

    owner: Node
    name: str
    source: Any

    @property
    def has_value(self) -> bool:
        """Whether its default is a value that the model can as well write."""
        return isinstance(self.source, dict) and self.source.get("default") is not None


def fit(schema: Node, dialect: Dialect, optional: list[OptionalField]) -> None:
    """Make optional fields required where there are too many; check all limits.

    Raises:
        SchemaError: It is too large.
    """
    if dialect.max_optional is not None:
        _require(optional, len(optional) - dialect.max_optional)
    nodes = list(_nodes(schema))
    left = sum(len(n.get("properties", ())) - len(n.get("required", ())) for n in nodes)
    enums = [[str(value) for value in n["enum"]] for n in nodes if "enum" in n]
    names = [name for n in nodes for name in n.get("properties", ())]
    names += schema.get("$defs", ())
    long = [sum(map(len, enum)) for enum in enums if len(enum) > _LONG_ENUM]
    counts = (
        ("optional fields", left, dialect.max_optional),
        ("unions", sum("anyOf" in n for n in nodes), dialect.max_unions),
        ("levels", _levels(schema), dialect.max_levels),
        ("fields", len(names), dialect.max_properties),
        ("enum values", sum(map(len, enums)), dialect.max_enum_values),
        (
            "characters in names and enum values",
            sum(map(len, names)) + sum(len(value) for e in enums for value in e),
            dialect.max_text,
        ),
        (
            f"characters in one enum of over {_LONG_ENUM} values",
            max(long, default=0),
            dialect.max_long_enum_text,
        ),
    )
    for what, count, most in counts:
        if most is not None and count > most:
            raise SchemaError(
                f"The answer's schema has {count} {what}, {dialect.provider} takes "
                f"{most}: make the model smaller, or its fields required."
            )


def _require(optional: list[OptionalField], excess: int) -> None:
    """Make some optional properties required; null then means absent."""
    for one in sorted(optional, key=lambda one: not one.has_value)[: max(excess, 0)]:
        properties = one.owner["properties"]
        if not one.has_value:
            properties[one.name] = nullable(properties[one.name])
        one.owner["required"].append(one.name)


def _nodes(schema: Node) -> Iterator[Node]:
    """Yield every subschema; a definition once, however often it is used."""
    yield schema
    for children in ("properties", "$defs"):
        for child in schema.get(children, {}).values():
            yield from _nodes(child)
    for child in schema.get("anyOf", ()):
        yield from _nodes(child)
    if "items" in schema:
        yield from _nodes(schema["items"])


def _levels(schema: Node) -> int:
    """Count how deep objects and lists nest; a recursive definition counts once."""
    known: dict[str, int] = {}

    def height(node: Node) -> int:
        if "$ref" in node:
            name = node["$ref"].rpartition("/")[2]
            if name not in known:
                known[name] = 0
                known[name] = height(schema["$defs"][name])
            return known[name]
        inner = [*node.get("properties", {}).values()]
        inner += [node["items"]] if "items" in node else []
        if inner:
            return 1 + max(map(height, inner))
        return max(map(height, node.get("anyOf", ())), default=1)

    return height(schema)
