"""Converts a JSON Schema to the subset that a provider accepts.

A constraint that the provider does not enforce (a length, a default) goes into the
description, where the model reads it; the answer is validated against the source
schema afterwards in any case. A type that the provider does not have is sent as another
type, and `Restorer` converts the answer back:

    dict[str, T]           a list of {"key": ..., "value": ...}
    tuple[A, B]            {"item_1": ..., "item_2": ...}
    a root of another type {"answer": ...}
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import unquote

from ...errors import SchemaError
from .dialects import Dialect
from .limits import OptionalField, fit
from .shapes import ROOT_KEY, item_key, map_value
from .source import (
    ANNOTATIONS,
    Node,
    Source,
    alternatives,
    is_map,
    is_object,
    nullable,
    without_null,
)

__all__ = ["convert"]

_SCALARS = frozenset({"string", "number", "integer", "boolean", "null"})
_PATTERNS = "patternProperties"
_NOT_IN_NAMES = re.compile(r"[^A-Za-z0-9_.-]+")
"""Of definitions: a pointer to another character would need escapes."""
_TYPED = "give it a type (a text field can hold any JSON as text)"


def convert(source: Node, dialect: Dialect) -> Node:
    """Return `source` in a provider's dialect.

    Raises:
        SchemaError: It cannot be expressed; the text names the field and the way
            out.
    """
    try:
        return _Converter(source, dialect).convert()
    except RecursionError as exc:
        raise SchemaError(
            "The answer's schema nests without an end, or is very large with each"
            " `$ref` written out: make the model smaller."
        ) from exc


class _Converter:
    def __init__(self, source: Node, dialect: Dialect) -> None:
        self.source = Source(source)
        self.dialect = dialect
        self.defs: dict[str, Node] = {}
        self.names: dict[str, str] = {}
        self.open = {"#"}
        self.optional: list[OptionalField] = []

    def convert(self) -> Node:
        root = self.source.root
        flat = self.source.flat(root, _say(""))
        with self.within(root.get("$ref", "#")):
            if is_object(flat):
                schema = self.shape(flat, "")
            else:
                schema = _closed({ROOT_KEY: self.shape(flat, "")}, [ROOT_KEY])
        if self.defs:
            schema["$defs"] = self.defs
        fit(schema, self.dialect, self.optional)
        return schema

    def node(self, node: Any, path: str) -> Node:
        if not isinstance(node, dict):
            return self.anything(path)
        target = node.get("$ref")
        if target is None:
            return self.shape(self.source.flat(node, _say(path)), path)
        if target in self.open and not self.dialect.recursion:
            raise self.refused(
                path,
                "contains itself",
                "give it a fixed depth, use an OpenAI model, or `--mode tools`, "
                "where nothing enforces the schema",
            )
        if not node.keys() - {"$ref"} - ANNOTATIONS and "description" not in node:
            return self.reference(target, path)
        if target in self.open:
            more = {key: value for key, value in node.items() if key != "$ref"}
            return self.dialect.explain({"anyOf": [self.reference(target, path)]}, more)
        with self.within(target):
            return self.shape(self.source.flat(node, _say(path)), path)

    @contextmanager
    def within(self, target: str) -> Iterator[None]:
        """Remember which definitions are being converted; a reference to one recurs."""
        before = self.open
        self.open = {*before, target}
        yield
        self.open = before

    def reference(self, target: str, path: str) -> Node:
        if target not in self.names:
            said = unquote(target).rpartition("/")[2].strip("#")
            stem = _NOT_IN_NAMES.sub("_", said) or "Root"
            taken = self.names.values()
            name = next(one for one in _numbered(stem) if one not in taken)
            self.names[target] = name
            self.defs[name] = {}  # an outer definition comes before its inner ones
            with self.within(target):
                definition = self.source.resolve(target, _say(path))
                self.defs[name] = self.node(definition, path)
        return {"$ref": f"#/$defs/{self.names[target]}"}

    def shape(self, flat: Node, path: str) -> Node:
        if branches := alternatives(flat):
            schema = self.union(branches, path)
        elif is_object(flat):
            schema = self.object(flat, path)
        elif is_map(flat):
            schema = self.map(flat, path)
        elif "prefixItems" in flat:
            schema = self.tuple(flat, path)
        elif flat.get("type") == "array":
            items = self.node(flat.get("items"), f"{path}[]")
            schema = {"type": "array", "items": items}
        else:
            schema = self.scalar(flat, path)
        return self.dialect.explain(schema, flat)

    def union(self, branches: list[Node], path: str) -> Node:
        converted: list[Node] = []
        for branch in branches:
            schema = self.node(branch, path)
            nested = schema["anyOf"] if schema.keys() == {"anyOf"} else [schema]
            converted += [one for one in nested if one not in converted]
        lone = len(converted) == 1 and "$ref" not in converted[0]
        return converted[0] if lone else {"anyOf": converted}

    def object(self, node: Node, path: str) -> Node:
        needed, properties = node.get("required", ()), node.get("properties", {})
        unknown = dict.fromkeys(name for name in needed if name not in properties)
        more = map_value(node)
        if isinstance(more, dict) and more and properties:
            raise self.refused(
                path,
                "has named properties and any others besides",
                "put the others into a map of their own",
            )
        schema = _closed({}, [])
        for name, child in {**properties, **unknown}.items():
            where = f"{path}.{name}" if path else name
            optional = name not in needed
            if optional and not self.dialect.all_required:
                self.optional.append(OptionalField(schema, name, child))
                converted = self.node(self.absent_for_null(child, where), where)
            else:
                schema["required"].append(name)
                converted = self.node(child, where)
                converted = nullable(converted) if optional else converted
            schema["properties"][name] = converted
        return schema

    def absent_for_null(self, node: Any, path: str) -> Any:
        """Return an optional property's schema less a null that is its default."""
        if not isinstance(node, dict) or node.get("default", 0) is not None:
            return node
        return without_null(self.source.flat(node, _say(path)))

    def map(self, node: Node, path: str) -> Node:
        others, patterns = node.get("additionalProperties"), node.get(_PATTERNS)
        if patterns and others:
            raise self.refused(
                path,
                "has keys of a pattern and any others besides",
                "put the others into a map of their own",
            )
        if not patterns and (not isinstance(others, dict) or not others):
            if not self.dialect.enforced:
                return {"type": "object"}
            raise self.refused(path, "is an object of any content", _TYPED)
        key = {"type": "string", **node.get("propertyNames", {})}
        keys = {pattern: {**key, "pattern": pattern} for pattern in patterns or ()}
        entries = []
        for pattern, value in (patterns or {"": others}).items():
            pair = {
                "key": self.node(keys.get(pattern, key), f"{path}{{key}}"),
                "value": self.node(value, f"{path}{{}}"),
            }
            entries.append(_closed(pair, list(pair)))
        return {
            "type": "array",
            "items": entries[0] if len(entries) == 1 else {"anyOf": entries},
            "description": "The entries of a map, each key once.",
        }

    def tuple(self, node: Node, path: str) -> Node:
        if isinstance(node.get("items"), dict):
            raise self.refused(
                path, "is a tuple with an open end", "use a list, or a model of its own"
            )
        items = {
            item_key(at): self.node(item, f"{path}[{at}]")
            for at, item in enumerate(node["prefixItems"])
        }
        return _closed(items, list(items))

    def scalar(self, node: Node, path: str) -> Node:
        kind = node.get("type")
        if kind is None:
            return self.anything(path)
        if kind not in _SCALARS:
            raise self.refused(path, f"has the unknown type {kind!r}", "correct it")
        if not node.get("enum", True):
            raise self.refused(path, "allows no value", "correct its `enum`")
        if "enum" in node and kind != "null":
            return {"type": kind, "enum": node["enum"]}
        return {"type": kind}

    def anything(self, path: str) -> Node:
        if self.dialect.enforced:
            raise self.refused(path, "may hold any value", _TYPED)
        return {}

    def refused(self, path: str, fault: str, way_out: str) -> SchemaError:
        return SchemaError(
            f"{_say(path)} {fault}, which {self.dialect.provider} cannot express: "
            f"{way_out}."
        )


def _closed(properties: dict[str, Node], required: list[str]) -> Node:
    return {
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": False,
    }


def _numbered(stem: str) -> Iterator[str]:
    yield stem
    number = 2
    while True:
        yield f"{stem}_{number}"
        number += 1


def _say(path: str) -> str:
    return f"Field `{path}`" if path else "The answer"
