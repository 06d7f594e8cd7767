"""Generates values that satisfy a JSON Schema, from a seeded random generator."""

from __future__ import annotations

import math
import random
import re
from collections.abc import Mapping
from re import _constants as sre  # type: ignore[attr-defined]
from re import _parser  # type: ignore[attr-defined]
from typing import Any

__all__ = ["match_of", "sample"]

_DEEP = 5
"""From this depth on, the simplest option is always taken, so that recursion ends."""
_BOTTOM = 60
"""A schema that leads deeper than this has no finite value."""
_TRIES = 200

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

_ALPHABET = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 _-.,/@"

_CATEGORIES = {"digit": r"\d", "space": r"\s", "word": r"\w"}


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

    def value(self, schema: Any, name: str, depth: int) -> Any:  # noqa: PLR0911 - one per type
        if depth > _BOTTOM:
            return None
        schema = self._resolve(schema)
        if "const" in schema:
            return schema["const"]
        if "enum" in schema:
            return self.rng.choice(schema["enum"])
        options = schema.pop("anyOf", None) or schema.pop("oneOf", None)
        kind = schema.get("type")
        if isinstance(kind, list) and not options:
            options = [{"type": each} for each in kind]
            del schema["type"]
        if options:
            chosen = _merge(schema, self._choose(options, depth))
            return self.value(chosen, name, depth + 1)
        if kind == "object" or (kind is None and "properties" in schema):
            return self._object(schema, name, depth)
        if kind == "array" or (kind is None and "items" in schema):
            return self._array(schema, name, depth)
        if kind in {"integer", "number"}:
            return self._number(schema, is_integer=kind == "integer")
        if kind in {"boolean", "null"}:
            return self.rng.choice([True, False]) if kind == "boolean" else None
        return self._string(schema, name)

    def _resolve(self, schema: Any) -> dict[str, Any]:
        found = dict(schema) if isinstance(schema, Mapping) else {}
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
            return min(options, key=_size)
        real = [option for option in options if option.get("type") != "null"]
        is_null = len(real) < len(options) and self.rng.random() > 0.8  # noqa: PLR2004
        return self.rng.choice(options if is_null else real or options)

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
        minimum = max(schema.get("minProperties", 0), 0 if properties else 1)
        if extra is not False:
            for number in range(len(value), minimum):
                value[f"{name}_{number}"] = self.value(extra, name, depth + 1)
        return value

    def _array(self, schema: dict[str, Any], name: str, depth: int) -> list[Any]:
        first, items = schema.get("prefixItems", []), schema.get("items", {})
        minimum = max(schema.get("minItems", 0), len(first))
        maximum = schema.get("maxItems", minimum + 2)
        if items is False:
            maximum = len(first)
        count = minimum
        if depth < _DEEP and maximum > minimum:
            count = self.rng.randint(max(minimum, 1), min(maximum, minimum + 2))
        schemas = [*first, *[items] * (count - len(first))]
        values = [self.value(each, name, depth + 1) for each in schemas]
        if schema.get("uniqueItems"):
            values = [v for i, v in enumerate(values) if v not in values[:i]]
            for number in range(_TRIES):
                if len(values) >= minimum:
                    break
                value = self.value(items, f"{name} {number}", depth + 1)
                values += [value] if value not in values else []
        return values

    def _number(self, schema: dict[str, Any], *, is_integer: bool) -> float:
        step = schema.get("multipleOf", 0)
        if is_integer and (not step or not float(step).is_integer()):
            step = 1
        low, high = _bounds(schema, step, 9 if is_integer else 1)
        if step:
            first = math.ceil(low / step)
            last = max(first, math.floor(high / step))
            number = self.rng.randint(first, last) * step
            return int(number) if is_integer else float(number)
        value = round(low + (high - low) * (0.01 + 0.98 * self.rng.random()), 2)
        excluded = (schema.get("exclusiveMinimum"), schema.get("exclusiveMaximum"))
        if low <= value <= high and value not in excluded:
            return float(value)
        return (low + high) / 2

    def _string(self, schema: dict[str, Any], name: str) -> str:
        minimum = schema.get("minLength", 0)
        if "pattern" in schema:
            return match_of(schema["pattern"], self.rng, minimum)
        if schema.get("format") in _FORMATS:
            return _FORMATS[schema["format"]].format(self.rng.randint(1, 28))
        text = f"synthetic {name}".ljust(minimum, ".")
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


def _size(schema: Any) -> int:
    """Estimate the size of an option's values; a reference may be endless."""
    if not isinstance(schema, Mapping):
        return 1
    if schema.get("type") == "null":
        return 0
    return 1 + 1000 * str(schema).count("$ref") + len(schema.get("properties", {}))


def _bounds(schema: dict[str, Any], step: float, span: int) -> tuple[float, float]:
    """Return the lowest and the highest value, at most a few steps apart."""
    low, high = schema.get("minimum"), schema.get("maximum")
    if (over := schema.get("exclusiveMinimum")) is not None:
        low = over + step if low is None else max(low, over + step)
    if (under := schema.get("exclusiveMaximum")) is not None:
        high = under - step if high is None else min(high, under - step)
    span = max(span, int(10 * schema.get("multipleOf", 0)))
    if low is None:
        low = (1 if span > 1 else 0) if high is None else high - span
    return low, low + span if high is None else high


def match_of(pattern: str, rng: random.Random, least: int = 0) -> str:
    """Return a string that `pattern` matches, if possible with `least` characters.

    A pattern with unsupported parts gives the word `synthetic`.
    """
    try:
        tree = _parser.parse(pattern)
        for more in (0, 1, 3, least):
            text = _Writer(rng, more).write(tree)
            if len(text) >= least and re.search(pattern, text):
                return text
    except (re.error, NotImplementedError, OverflowError):
        pass
    return "synthetic"


class _Writer:
    def __init__(self, rng: random.Random, more: int) -> None:
        self.rng = rng
        self.more = more
        self.groups: dict[int, str] = {}

    def write(self, tree: Any) -> str:
        return "".join(self._one(op, value) for op, value in tree)

    def _one(self, op: Any, value: Any) -> str:  # noqa: PLR0911 - one per operator
        if op is sre.LITERAL:
            return chr(value)
        if op is sre.AT or op in {sre.ASSERT, sre.ASSERT_NOT}:
            return ""
        if op is sre.ANY:
            return self.rng.choice(_ALPHABET)
        if op is sre.IN:
            return self._member(value)
        if op is sre.NOT_LITERAL:
            return self._member([(sre.NEGATE, None), (sre.LITERAL, value)])
        if op is sre.BRANCH:
            return self.write(self.rng.choice(value[1]))
        if op is sre.SUBPATTERN:
            self.groups[value[0]] = text = self.write(value[3])
            return text
        if op is sre.GROUPREF:
            return self.groups.get(value, "")
        if op in {sre.MAX_REPEAT, sre.MIN_REPEAT, sre.POSSESSIVE_REPEAT}:
            low, high, inner = value
            count = min(high, max(low, 1 if low == 0 and high > 0 else low) + self.more)
            return "".join(self.write(inner) for _ in range(count))
        raise NotImplementedError(str(op))

    def _member(self, members: Any) -> str:
        allowed = {char for char in _ALPHABET if _in(char, members)}
        if not allowed:
            first = members[0]
            return chr(first[1] if first[0] is sre.LITERAL else first[1][0])
        return self.rng.choice(sorted(allowed))


def _in(char: str, members: Any) -> bool:
    negated = bool(members) and members[0][0] is sre.NEGATE
    found = False
    for op, value in members:
        if op is sre.LITERAL:
            found |= ord(char) == value
        elif op is sre.RANGE:
            found |= value[0] <= ord(char) <= value[1]
        elif op is sre.CATEGORY:
            name = str(value).lower().removeprefix("category_")
            negative = name.startswith("not_")
            word = name.removeprefix("not_")
            found |= bool(re.match(_CATEGORIES[word], char)) != negative
    return found != negated
