"""One source JSON Schema, converted to what each provider's decoder accepts.

What a provider cannot hold an answer to (a length, a default) goes into the
description, where the model reads it; the answer is validated against the
source afterwards in any case. What it has no shape for is sent in an equal
shape and brought back by `Restorer`:

    dict[str, T]           a list of {"key": ..., "value": ...}
    tuple[A, B]            {"item_1": ..., "item_2": ...}
    a root of another type {"answer": ...}
"""

from __future__ import annotations

from typing import Any

import orjson

from ..errors import SchemaError
from ._schema_dialects import ANTHROPIC, ANTHROPIC_LOOSE, OPENAI, Dialect
from ._schema_restore import ROOT_KEY, Restorer, item_key, map_value
from ._schema_source import (
    ANNOTATIONS,
    Node,
    Source,
    alternatives,
    is_map,
    is_object,
)

__all__ = ["ANTHROPIC", "ANTHROPIC_LOOSE", "OPENAI", "Restorer", "convert"]

_SHAPE = frozenset(
    {"type", "enum", "anyOf", "properties", "required", "additionalProperties"}
    | {"items", "prefixItems", "patternProperties", "propertyNames", "format"}
)


def convert(source: Node, dialect: Dialect) -> Node:
    """Return `source` in a provider's dialect.

    Raises:
        SchemaError: It cannot be expressed; the text names the field and the way
            out.
    """
    return _Converter(source, dialect).convert()


class _Converter:
    def __init__(self, source: Node, dialect: Dialect) -> None:
        self.source = Source(source)
        self.dialect = dialect
        self.defs: dict[str, Node] = {}
        self.names: dict[str, str] = {}
        self.open: set[str] = set()

    def convert(self) -> Node:
        root = self.source.root
        flat = self.source.flat(root, "The answer")
        if "$ref" in root:
            self.open.add(root["$ref"])
        if is_object(flat):
            schema = self.node(flat, "")
        else:
            inner = self.node(root, "")
            schema = _closed({ROOT_KEY: inner}, [ROOT_KEY])
        if self.defs:
            schema["$defs"] = self.defs
        self.dialect.fit(schema)
        return schema

    def node(self, node: Any, path: str) -> Node:
        if not isinstance(node, dict):
            raise self.refused(path, "may hold any value", "give it a type")
        if "$ref" in node:
            if not node.keys() - {"$ref"} - ANNOTATIONS:
                return self.reference(node, path)
            self.guard(node["$ref"], path)
        flat = self.source.flat(node, _say(path))
        if branches := alternatives(flat):
            schema = self.union(branches, path)
        elif is_object(flat):
            schema = self.object(flat, path)
        elif is_map(flat):
            schema = self.map(flat, path)
        elif "prefixItems" in flat:
            schema = self.tuple(flat, path)
        elif flat.get("type") == "array":
            schema = {
                "type": "array",
                "items": self.node(flat.get("items"), f"{path}[]"),
            }
        else:
            schema = self.scalar(flat, path)
        return self.constrain(schema, flat)

    def reference(self, node: Node, path: str) -> Node:
        target = node["$ref"]
        self.guard(target, path)
        name = self.names.get(target)
        if name is None:
            stem = target.rpartition("/")[2].strip("#") or "Root"
            name = next(n for n in _numbered(stem) if n not in self.names.values())
            self.names[target] = name
            self.open.add(target)
            self.defs[name] = {}
            self.defs[name] = self.node(self.source.resolve(target, _say(path)), path)
            self.open.discard(target)
        schema: Node = {"$ref": f"#/$defs/{name}"}
        if text := node.get("description"):
            return {"anyOf": [schema], "description": text}
        return schema

    def guard(self, target: str, path: str) -> None:
        if target in self.open and not self.dialect.recursion:
            raise self.refused(
                path,
                "contains itself",
                "give the model a fixed depth, or use an OpenAI model",
            )

    def union(self, branches: list[Node], path: str) -> Node:
        converted: list[Node] = []
        for branch in branches:
            schema = self.node(branch, path)
            nested = schema["anyOf"] if schema.keys() == {"anyOf"} else [schema]
            converted += [one for one in nested if one not in converted]
        return converted[0] if len(converted) == 1 else {"anyOf": converted}

    def object(self, node: Node, path: str) -> Node:
        needed = set(node.get("required", ()))
        properties, required = {}, []
        for name, child in node.get("properties", {}).items():
            where = f"{path}.{name}" if path else name
            schema = self.node(child, where)
            optional = name not in needed
            if optional and self.dialect.all_required:
                schema = _nullable(schema)
            if not optional or self.dialect.all_required:
                required.append(name)
            properties[name] = schema
        return _closed(properties, required)

    def map(self, node: Node, path: str) -> Node:
        value = map_value(node)
        if not isinstance(value, dict):
            raise self.refused(
                path, "is an object of any content", "name its fields, or their type"
            )
        key = node.get("propertyNames", {"type": "string"})
        pair = {
            "key": self.node({"type": "string", **key}, f"{path}{{key}}"),
            "value": self.node(value, f"{path}{{}}"),
        }
        return {
            "type": "array",
            "items": _closed(pair, ["key", "value"]),
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
            raise self.refused(path, "may hold any value", "give it a type")
        if kind == "object" or kind not in _SCALARS:
            raise self.refused(path, f"has the unknown type {kind!r}", "correct it")
        schema: Node = {"type": kind}
        if "enum" in node and kind != "null":
            schema["enum"] = node["enum"]
        return schema

    def constrain(self, schema: Node, node: Node) -> Node:
        """Add what the dialect knows as keywords, and the rest as words."""
        text = [node["description"]] if "description" in node else []
        text += [schema["description"]] if "description" in schema else []
        held = []
        plain = not (is_map(node) or "prefixItems" in node)
        for key, value in node.items():
            if key in ANNOTATIONS or (key in _SHAPE and key != "format"):
                continue
            if plain and self.dialect.knows(key, value):
                schema[key] = value
            else:
                held.append(f"{key} {_show(value)}")
        if held:
            text.append(f"Must hold: {', '.join(held)}.")
        if node.get("default") is not None:
            text.append(f"Default: {_show(node['default'])}.")
        if node.get("examples"):
            text.append(f"Examples: {_show(node['examples'])}.")
        if text:
            schema["description"] = " ".join(text)
        return schema

    def refused(self, path: str, fault: str, way_out: str) -> SchemaError:
        return SchemaError(
            f"{_say(path)} {fault}, which {self.dialect.provider} cannot express: "
            f"{way_out}."
        )


_SCALARS = frozenset({"string", "number", "integer", "boolean", "null"})


def _closed(properties: dict[str, Node], required: list[str]) -> Node:
    return {
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": False,
    }


def _nullable(schema: Node) -> Node:
    null: Node = {"type": "null"}
    if schema == null or null in schema.get("anyOf", ()):
        return schema
    if "anyOf" in schema:
        return {**schema, "anyOf": [*schema["anyOf"], null]}
    inner = dict(schema)
    text = inner.pop("description", None)
    outer: Node = {"anyOf": [inner, null]}
    return outer if text is None else {**outer, "description": text}


def _numbered(stem: str) -> Any:
    yield stem
    number = 2
    while True:
        yield f"{stem}_{number}"
        number += 1


def _say(path: str) -> str:
    return f"Field `{path}`" if path else "The answer"


def _show(value: Any) -> str:
    return value if isinstance(value, str) else orjson.dumps(value).decode()
