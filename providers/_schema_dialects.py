"""What each provider's decoder accepts of JSON Schema, and how much of it."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Any

from ._schema_source import Node

__all__ = ["ANTHROPIC", "ANTHROPIC_LOOSE", "OPENAI", "Dialect"]

# Neither regular expression engine looks around, back or at word boundaries.
_HARD_PATTERN = re.compile(r"\(\?[=!<]|\\[1-9bBkpP]")


@dataclass(frozen=True, kw_only=True)
class Dialect:
    """The part of JSON Schema that a provider knows."""

    provider: str
    keywords: frozenset[str]
    formats: frozenset[str]
    all_required: bool
    """Whether every property must be required; optional then means nullable."""
    recursion: bool
    min_items: tuple[int, ...] | None = None
    """The only values of `minItems` that are known; None: any."""
    max_optional: int | None = None
    max_unions: int | None = None
    max_levels: int | None = None
    max_properties: int | None = None
    max_text: int | None = None
    """Characters of all property names and enum values."""
    max_enum_values: int | None = None

    def knows(self, key: str, value: Any) -> bool:
        """Whether this keyword can be sent as it is."""
        if key == "format":
            return value in self.formats
        if key == "pattern":
            return not _HARD_PATTERN.search(value)
        if key == "minItems" and self.min_items is not None:
            return value in self.min_items
        return key in self.keywords

    def fit(self, schema: Node) -> None:
        """Check a converted schema against the limits.

        Raises:
            SchemaError: It is too large.
        """


_NUMBERS = {"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"}
_FORMATS = {"date-time", "time", "date", "duration", "email", "hostname", "uuid"}
_FORMATS |= {"ipv4", "ipv6"}

# https://platform.openai.com/docs/guides/structured-outputs, read 2026-11-23
OPENAI = Dialect(
    provider="OpenAI",
    keywords=frozenset({"pattern", "minItems", "maxItems", *_NUMBERS}),
    formats=frozenset(_FORMATS),
    all_required=True,
    recursion=True,
    max_levels=10,
    max_properties=5000,
    max_text=120_000,
    max_enum_values=1000,
)

# https://platform.claude.com/docs/en/build-with-claude/structured-outputs,
# read 2026-11-23
ANTHROPIC = Dialect(
    provider="Anthropic",
    keywords=frozenset({"pattern", "minItems"}),
    formats=frozenset({"uri", *_FORMATS}),
    all_required=False,
    recursion=False,
    min_items=(0, 1),
    max_optional=24,
    max_unions=16,
)

# The same where a tool describes the answer and nothing enforces it.
ANTHROPIC_LOOSE = replace(ANTHROPIC, recursion=True, max_optional=None, max_unions=None)
