"""What OpenAI's models refuse with status 400.

The request builder avoids it. As of November 2026; the pages to check it against:
https://platform.openai.com/docs/guides/structured-outputs (`json_schema`),
https://platform.openai.com/docs/guides/reasoning (`max_tokens`, `temperature`).
"""

from __future__ import annotations

import re
from functools import lru_cache

__all__ = ["refuses"]

_REFUSALS = (
    (
        # Models older than gpt-4o-2024-08-06; strict tools work on all of them.
        re.compile(
            r"gpt-3\.5|gpt-4(-|$)|gpt-4o-2024-05-13|chatgpt-4o|o1-(mini|preview)"
        ),
        frozenset({"json_schema"}),
    ),
    (
        # Reasoning models and all that came after gpt-4.1.
        re.compile(r"o\d|gpt-([5-9]|\d\d)"),
        frozenset({"max_tokens"}),
    ),
    (
        # From gpt-5.1 on, `temperature` is a matter of the reasoning effort.
        re.compile(r"o\d|gpt-5(-(?!chat)|$)"),
        frozenset({"temperature", "top_p"}),
    ),
)


@lru_cache
def refuses(model: str) -> frozenset[str]:
    """Return what `model` refuses: `json_schema` or names of body parameters."""
    name = model.removeprefix("ft:")
    found = (words for pattern, words in _REFUSALS if pattern.match(name))
    return frozenset().union(*found)
