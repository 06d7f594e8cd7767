"""Generates values that satisfy a JSON Schema, from a seeded random generator."""

from __future__ import annotations

import random
from collections.abc import Mapping
from typing import Any

from .pattern import match_of

__all__ = ["sample"]

_DEEP = 5
"""From this depth on, the simplest option is always taken, so that recursion ends."""
_BOTTOM = 60
"""A schema that leads deeper than this has no finite value."""

_FORMATS = {
    "date-time": "2026-01-{:02d}T12:00:00Z",
    "date": "2026-01-{:02d}",
    "time": "12:00:{:02d}Z",
    "duration": "P{:d}D",
    "email": "synthetic{:d}@example.com",
    "hostname": "synthetic{:d}.example.com",
    "uri": "https://example.com/synthetic/{:d}",
    "url": "https://example.com/synthetic/{:d}",
    "ipv4": "192.0.2.{:d}",
    "ipv6": "2001:db8::{:x}",
    "uuid": "00000000-0000-4000-8000-{:012x}",
}


def sample(schema: Any, rng: random.Random) -> Any:
    """Return a value that is valid for `schema`.

    Bounds, formats, enums and references are respected, and a `pattern` if it is
    simple; other keywords are ignored. Recursion ends as early as the schema allows.
    """
    return _Sampler(schema, rng).value(schema, "answer", 0)


class _Sampler:
    def __init__(self, root: Any, rng: random.Random) -> None:
        self.root = root
        self.rng = rng

    def value(self, schema: Any, name: str, depth: int) -> Any:  # noqa: C901, PLR0911 - one per type
        if depth > _BOTTOM:
            return None
        schema = self._resolve(schema)
        if "const" in schema:
            return schema["const"]
        if "enum" in schema:
            return self.rng.choice(schema["enum"])
        options = schema.get("anyOf") or schema.get("oneOf")
        if options:
            siblings = {k: v for k, v in schema.items() if k not in {"anyOf", "oneOf"}}
            return self.value(
                _merge(siblings, self._choose(options, depth)), name, depth + 1
            )
        kind = schema.get("type")
        if isinstance(kind, list):
            types = [{**schema, "type": each} for each in kind]
            return self.value(self._choose(types, depth), name, depth + 1)
        if kind == "object" or (kind is None and "properties" in schema):
            return self._object(schema, name, depth)
        if kind == "array" or (kind is None and "items" in schema):
            return self._array(schema, name, depth)
        if kind == "integer":
            return self._integer(schema)
        if kind == "number":
            return self._number(schema)
        if kind == "boolean":
            return self.rng.random() < 0.5  # noqa: PLR2004 - a coin
        if kind == "null":
            return None
        return self._string(schema, name)

    def _resolve(self, schema: Any) -> dict[str, Any]:
        if not isinstance(schema, Mapping):
            return {}
        found = dict(schema)
        for _ in range(_BOTTOM):
            if "$ref" in found:
                target: Any = self.root
                for part in str(found.pop("$ref")).removeprefix("#").split("/")[1:]:
                    target = target.get(part.replace("~1", "/").replace("~0", "~"), {})
                found = _merge(found, target)
            elif "allOf" in found:
                for part in found.pop("allOf"):
                    found = _merge(found, part)
            else:
                break
        return found

    def _choose(self, options: list[Any], depth: int) -> Any:
        if depth >= _DEEP:
            return min(options, key=_weight)
        real = [each for each in options if each.get("type") != "null"]
        if real and (len(real) == len(options) or self.rng.random() < 0.8):  # noqa: PLR2004
            return self.rng.choice(real)
        return self.rng.choice(options)

    def _object(self, schema: dict[str, Any], name: str, depth: int) -> dict[str, Any]:
        required = schema.get("required", ())
        properties = schema.get("properties", {})
        value = {
            key: self.value(inner, key, depth + 1)
            for key, inner in properties.items()
            if key in required or depth < _DEEP
        }
        for key in required:
            value.setdefault(key, "synthetic")
        extra = schema.get("additionalProperties", False)
        least = max(schema.get("minProperties", 0), 0 if properties else 1)
        if extra is not False:
            for number in range(len(value), least):
                value[f"{name}_{number}"] = self.value(extra, name, depth + 1)
        return value

    def _array(self, schema: dict[str, Any], name: str, depth: int) -> list[Any]:
        first = schema.get("prefixItems", [])
        least = max(schema.get("minItems", 0), len(first))
        most = schema.get("maxItems", least + 2)
        if schema.get("items", True) is False:
            most = len(first)
        count = (
            least
            if depth >= _DEEP
            else self.rng.randint(
                min(max(least, 1), most), max(least, min(most, least + 2))
            )
        )
        value = [
            self.value(
                first[i] if i < len(first) else schema.get("items", {}), name, depth + 1
            )
            for i in range(count)
        ]
        if schema.get("uniqueItems"):
            value = self._unique(value, schema.get("items", {}), name, least, depth)
        return value

    def _unique(
        self, value: list[Any], items: Any, name: str, least: int, depth: int
    ) -> list[Any]:
        found: list[Any] = []
        for item in value:
            if item not in found:
                found.append(item)
        for number in range(200):
            if len(found) >= least:
                break
            item = self.value(items, f"{name} {number}", depth + 1)
            if item not in found:
                found.append(item)
        return found

    def _integer(self, schema: dict[str, Any]) -> int:
        low, high = _bounds(schema, 1)
        step = schema.get("multipleOf", 1)
        step = int(step) if float(step).is_integer() else 1
        first = -(-int(-(-low // 1)) // step)
        last = int(high // 1) // step
        return self.rng.randint(first, max(first, last)) * step

    def _number(self, schema: dict[str, Any]) -> float:
        step = schema.get("multipleOf")
        low, high = _bounds(schema, step or 0)
        if step:
            first = -int(-low // step)
            last = max(first, int(high // step))
            return float(self.rng.randint(first, last) * step)
        value = round(low + (high - low) * (0.01 + 0.98 * self.rng.random()), 2)
        if low <= value <= high and value not in {
            schema.get("exclusiveMinimum"),
            schema.get("exclusiveMaximum"),
        }:
            return value
        return (low + high) / 2

    def _string(self, schema: dict[str, Any], name: str) -> str:
        if "pattern" in schema:
            return match_of(schema["pattern"], self.rng, schema.get("minLength", 0))
        if schema.get("format") in _FORMATS:
            return _FORMATS[schema["format"]].format(self.rng.randint(1, 28))
        text = f"synthetic {name}"
        least = schema.get("minLength", 0)
        if len(text) < least:
            text = (text + " " + "synthetic " * (least // 10 + 1))[:least]
            text = text if text[-1] != " " else text[:-1] + "c"
        return text[: schema.get("maxLength", len(text))]


def _merge(one: dict[str, Any], other: Any) -> dict[str, Any]:
    if not isinstance(other, Mapping):
        return one
    merged = {**other, **one}
    if "properties" in one and "properties" in other:
        merged["properties"] = {**other["properties"], **one["properties"]}
    if "required" in one and "required" in other:
        merged["required"] = [*other["required"], *one["required"]]
    return merged


def _weight(schema: Any) -> int:
    """Estimate the size of an option's values; a reference may be endless."""
    if not isinstance(schema, Mapping):
        return 1
    if schema.get("type") == "null":
        return 0
    return 1 + 1000 * str(schema).count("$ref") + len(schema.get("properties", {}))


def _bounds(schema: dict[str, Any], step: float) -> tuple[float, float]:
    low = schema.get("minimum")
    high = schema.get("maximum")
    if (over := schema.get("exclusiveMinimum")) is not None:
        low = over + step if low is None else max(low, over + step)
    if (under := schema.get("exclusiveMaximum")) is not None:
        high = under - step if high is None else min(high, under - step)
    span = 9 if schema.get("type") == "integer" else 1
    span = max(span, int(10 * schema.get("multipleOf", 0)))
    if low is None:
        low = (high - span) if high is not None else (1 if span > 1 else 0)
    if high is None:
        high = low + span
    return low, high
