"""What Anthropic's API and its models accept, and what they refuse with status 400.

The request builder avoids it, and the check of request lines reports it. As of November
2026: members are those of the types of anthropic 2.14, and a test compares them; the
rest is from these pages:
https://platform.claude.com/docs/en/build-with-claude/structured-outputs
(`json_schema`, strict tools),
https://platform.claude.com/docs/en/about-claude/models/migration-guide (`temperature`,
`top_p`, `top_k`, prefill),
https://platform.claude.com/docs/en/build-with-claude/extended-thinking (budgets),
https://platform.claude.com/docs/en/about-claude/models/whats-new-claude-4-8 (messages
with the role `system`),
https://platform.claude.com/docs/en/models (output limits);
ranges are from Anthropic's OpenAPI document of 2026-05-31.
"""

from __future__ import annotations

import math
import re
from functools import lru_cache

__all__ = [
    "MEMBERS",
    "MIN_BUDGET",
    "RANGES",
    "WORDS",
    "likely_output_limit",
    "output_limit",
    "refuses",
]

_REFUSALS = (
    (
        # Models older than Opus 4.1 and Sonnet 4.5.
        re.compile(r"claude-([123]|instant|(opus|sonnet)-4(-0|-2025\d{4})?$)"),
        frozenset({"json_schema"}),
    ),
    (
        # Opus 4.7 and all that came after it.
        re.compile(r"claude-(opus-4-[789]|[a-z]+-([5-9]|\d\d)(-|$)|mythos-preview)"),
        frozenset({"temperature", "top_p", "top_k", "budget"}),
    ),
    (
        # Opus 4.6, Sonnet 4.6 and all that came after them.
        re.compile(r"claude-([a-z]+-4-[6-9]|[a-z]+-([5-9]|\d\d)(-|$)|mythos-preview)"),
        frozenset({"prefill"}),
    ),
    (
        # Models older than Opus 4.8.
        re.compile(r"claude-([123]|instant|(sonnet|haiku)-4|opus-4(-[0-7]|$|-2025))"),
        frozenset({"system_role"}),
    ),
)


@lru_cache
def refuses(model: str) -> frozenset[str]:
    """Return what `model` refuses.

    Names of body parameters, or `json_schema`, `budget` (thinking with a budget),
    `prefill` (a last message of the assistant) and `system_role`.
    """
    found = (words for pattern, words in _REFUSALS if pattern.match(model))
    return frozenset().union(*found)


RANGES = {"temperature": (0, 1), "top_p": (0, 1), "top_k": (0, math.inf)}
WORDS = {
    ("service_tier",): ("auto", "standard_only"),
    ("output_config", "effort"): ("low", "medium", "high", "xhigh", "max"),
}
"""By the path of the member."""
MIN_BUDGET = 1024
"""Least `thinking.budget_tokens`."""
_NAMES = """
    billing_policy cache_control compaction container context_management diagnostics
    fallback_credit_token fallbacks inference_geo max_tokens mcp_servers messages
    metadata model output_config output_format service_tier speed stop_sequences stream
    system temperature thinking thread tool_choice tools top_k top_p user_profile_id
    workspace_id
    """
MEMBERS = frozenset(_NAMES.split())
"""Members of the parameters of a request; those of betas need a header beside it."""
_LIKELY_LIMITS = (
    (r"claude-opus-4(-[01])?(-\d{8})?", 32_000),
    (r"claude-sonnet-4(-0)?(-\d{8})?", 64_000),
)
"""As other projects have them; Anthropic's pages no longer list these models."""
_OUTPUT_LIMITS = (
    (r"claude-(haiku|opus|sonnet)-4-5(-\d{8})?", 64_000),
    (
        r"claude-((opus|sonnet)-4-[678]|(opus|sonnet|fable)-5|fable-5-1|opus-5-5)",
        128_000,
    ),
)


@lru_cache
def output_limit(model: str) -> float:
    """Return the highest `max_tokens` of a model; infinity if it is not known."""
    return _limit(model, _OUTPUT_LIMITS)


@lru_cache
def likely_output_limit(model: str) -> float:
    """Return what is only likely to be the highest; infinity if nothing is."""
    return _limit(model, _LIKELY_LIMITS)


def _limit(model: str, limits: tuple[tuple[str, int], ...]) -> float:
    found = (n for pattern, n in limits if re.fullmatch(pattern, model))
    return next(found, math.inf)
