"""The members of a request body, and the values that OpenAI takes for them.

Members and words are those of the types of openai 3.57, and a test compares them. The
ranges are those that these types describe and that OpenAI's OpenAPI document states
(version 2.3.0 of 2026-05-31).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

__all__ = ["MEMBERS", "NESTED", "ROLES", "Range", "Rule"]


@dataclass(frozen=True)
class Range:
    """Limits of a number."""

    low: float
    high: float | None = None
    is_integer: bool = True


Rule = Range | type[bool] | type[str] | frozenset[str] | None
"""A range, a flag, a text, one of some words, or None: not looked at."""

_ROLES = frozenset({"system", "developer", "user", "assistant"})
ROLES = {"messages": _ROLES | {"tool", "function"}, "input": _ROLES}
"""By the member that holds the conversation."""
_EFFORTS = frozenset({"none", "minimal", "low", "medium", "high", "xhigh", "max"})
_VERBOSITY = frozenset({"low", "medium", "high"})
_TIERS = frozenset({"auto", "default", "flex", "scale", "priority", "fast"})

_RULES: dict[str, Rule] = {
    "temperature": Range(0, 2, is_integer=False),
    "top_p": Range(0, 1, is_integer=False),
    "frequency_penalty": Range(-2, 2, is_integer=False),
    "presence_penalty": Range(-2, 2, is_integer=False),
    "n": Range(1, 128),
    "best_of": Range(0, 20),
    "top_logprobs": Range(0, 20),
    "max_tokens": Range(1),
    "max_completion_tokens": Range(1),
    "max_output_tokens": Range(16),
    "dimensions": Range(1),
    "seed": Range(-(2**63), 2**63 - 1),
    "logprobs": bool,
    "parallel_tool_calls": bool,
    "store": bool,
    "background": bool,
    "echo": bool,
    "user": str,
    "safety_identifier": str,
    "prompt_cache_key": str,
    "previous_response_id": str,
    "suffix": str,
    "service_tier": _TIERS,
    "reasoning_effort": _EFFORTS,
    "verbosity": _VERBOSITY,
    "truncation": frozenset({"auto", "disabled"}),
    "encoding_format": frozenset({"float", "base64"}),
    "prompt_cache_retention": frozenset({"in_memory", "24h"}),
}


def _members(names: str, **own: Rule) -> dict[str, Rule]:
    rules = {**_RULES, **own}
    return {name: rules.get(name) for name in names.split()}


_SAMPLING = "model stream stream_options temperature top_p user"
_SHARED = """
    metadata moderation parallel_tool_calls prompt_cache_key prompt_cache_options
    prompt_cache_retention safety_identifier service_tier store tool_choice tools
    top_logprobs
    """
MEMBERS: Mapping[str, Mapping[str, Rule]] = {
    "/v1/chat/completions": _members(
        f"""
        {_SAMPLING} {_SHARED} audio frequency_penalty function_call functions logit_bias
        logprobs max_completion_tokens max_tokens messages modalities n prediction
        presence_penalty reasoning_effort response_format seed stop verbosity
        web_search_options
        """
    ),
    "/v1/responses": _members(
        f"""
        {_SAMPLING} {_SHARED} access_programs background background_options
        context_management conversation image include input instructions
        max_output_tokens max_tool_calls previous_response_id prompt reasoning text
        truncation
        """,
        service_tier=_TIERS | {"ultrafast"},
    ),
    "/v1/embeddings": _members("dimensions encoding_format input model user"),
    "/v1/completions": _members(
        f"""
        {_SAMPLING} best_of echo frequency_penalty logit_bias logprobs max_tokens n
        presence_penalty prompt seed stop suffix
        """,
        max_tokens=Range(0),
        logprobs=Range(0, 5),
    ),
}
"""By endpoint; those of other endpoints are not known."""

NESTED: Mapping[tuple[str, str], Rule] = {
    ("reasoning", "effort"): _EFFORTS,
    ("text", "verbosity"): _VERBOSITY,
}
"""By the names of the outer and the inner member."""
