"""What Anthropic's models refuse with status 400.

The request builder avoids it, and the sandbox refuses it as the real API does.
As of November 2026; the pages to check it against:
https://platform.claude.com/docs/en/build-with-claude/structured-outputs
(`json_schema`, strict tools),
https://platform.claude.com/docs/en/about-claude/models/migration-guide (the rest).
"""

from __future__ import annotations

import re

__all__ = ["refuses"]

_REFUSALS = (
    (
        # Models older than Opus 4.1 and Sonnet 4.5.
        re.compile(r"claude-([123]|instant|(opus|sonnet)-4(-0|-2025\d{4})?$)"),
        frozenset({"json_schema"}),
    ),
    (
        # Opus 4.7 and all that came after it.
        re.compile(r"claude-(opus-4-[789]|[a-z]+-([5-9]|\d\d)(-|$)|mythos-preview)"),
        frozenset({"temperature", "top_p", "top_k"}),
    ),
)


def refuses(model: str) -> frozenset[str]:
    """Return what `model` refuses: `json_schema` or names of body parameters."""
    found = (words for pattern, words in _REFUSALS if pattern.match(model))
    return frozenset().union(*found)
