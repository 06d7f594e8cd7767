"""The subset of JSON Schema that each provider accepts, and its size limits."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Any

import orjson

from .source import ANNOTATIONS, Node, is_map

__all__ = [
    "ANTHROPIC",
    "ANTHROPIC_LOOSE",
    "GEMINI",
    "GEMINI_LOOSE",
    "OPENAI",
    "Dialect",
]

_SHAPE = frozenset(
    {"type", "enum", "properties", "required", "additionalProperties"}
    | {"items", "prefixItems", "patternProperties", "propertyNames"}
)

# Neither regular expression engine looks around, back or at word boundaries.
_HARD_PATTERN = re.compile(r"\(\?[=!<]|\\[1-9bBkpP]")


@dataclass(frozen=True, kw_only=True)
class Dialect:
    """The subset of JSON Schema that a provider accepts."""

    provider: str
    keywords: frozenset[str]
    """Constraints that are enforced, besides `format` and simple `pattern`s."""
    formats: frozenset[str]
    all_required: bool
    """Whether every property must be required; optional then means nullable."""
    recursion: bool
    patterns: bool = True
    """Whether regular expressions are taken, as far as both engines know them."""
    enforced: bool = True
    """Whether the provider enforces the schema, or only shows it to the model."""
    min_items: tuple[int, ...] | None = None
    """The only values of `minItems` that are known; None: any."""
    max_optional: int | None = None
    max_unions: int | None = None
    max_levels: int | None = None
    max_properties: int | None = None
    max_text: int | None = None
    """Characters of all property names and enum values."""
    max_enum_values: int | None = None
    max_long_enum_text: int | None = None
    """Characters of all values of one enum with more than 250 of them."""

    def explain(self, schema: Node, source: Node) -> Node:
        """Copy known keywords of `source`; describe the others in words."""
        both = (source, schema)
        text = [one["description"] for one in both if "description" in one]
        tuple_ = "prefixItems" in source
        plain = "type" in schema and not tuple_ and not is_map(source)
        stated = []
        for key, value in source.items():
            if key in ANNOTATIONS or key in _SHAPE:
                continue
            if key == "anyOf" and "type" not in source:
                continue
            if plain and self._knows(key, value):
                schema[key] = value
            elif not tuple_:
                stated.append(f"{key} {_show(value)}")
        if stated:
            text.append(f"Must hold: {', '.join(stated)}.")
        if source.get("default") is not None:
            text.append(f"Default: {_show(source['default'])}.")
        if source.get("examples"):
            text.append(f"Examples: {_show(source['examples'])}.")
        if text:
            schema["description"] = " ".join(text)
        return schema

    def _knows(self, key: str, value: Any) -> bool:
        """Whether this keyword can be sent as it is."""
        if key == "format":
            return value in self.formats
        if key == "pattern":
            return self.patterns and not _HARD_PATTERN.search(value)
        if key == "minItems" and self.min_items is not None:
            return value in self.min_items
        return key in self.keywords


def _show(value: Any) -> str:
    return value if isinstance(value, str) else orjson.dumps(value).decode()


_NUMBERS = {"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"}
_FORMATS = {"date-time", "time", "date", "duration", "email", "hostname", "uuid"}
_FORMATS |= {"ipv4", "ipv6"}

# https://platform.openai.com/docs/guides/structured-outputs, as of November 2026
OPENAI = Dialect(
    provider="OpenAI",
    keywords=frozenset({"minItems", "maxItems", *_NUMBERS}),
    formats=frozenset(_FORMATS),
    all_required=True,
    recursion=True,
    max_levels=10,
    max_properties=5000,
    max_text=120_000,
    max_enum_values=1000,
    max_long_enum_text=15_000,
)

# https://platform.claude.com/docs/en/build-with-claude/structured-outputs,
# as of November 2026
ANTHROPIC = Dialect(
    provider="Anthropic",
    keywords=frozenset(),
    formats=frozenset({"uri", *_FORMATS}),
    all_required=False,
    recursion=False,
    min_items=(0, 1),
    max_optional=24,
    max_unions=16,
)

# The same where a tool describes the answer and nothing enforces it.
ANTHROPIC_LOOSE = replace(
    ANTHROPIC, recursion=True, enforced=False, max_optional=None, max_unions=None
)

# `responseJsonSchema` in https://ai.google.dev/api/generate-content, as of November
# 2026. A schema that contains itself is followed to an unknown depth only.
GEMINI = Dialect(
    provider="Gemini",
    keywords=frozenset({"minItems", "maxItems", "minimum", "maximum"}),
    formats=frozenset({"date-time", "date", "time"}),
    patterns=False,
    all_required=False,
    recursion=False,
)

GEMINI_LOOSE = replace(GEMINI, recursion=True, enforced=False)
