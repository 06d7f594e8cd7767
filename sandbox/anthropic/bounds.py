"""What Anthropic refuses in parameters whose form is right.

The sandbox's own table, apart from the client's in `providers/anthropic/bounds.py`; a
test compares both. Members are those of the types of anthropic 2.14, ranges those of
https://platform.claude.com/docs/en/api/messages, output limits those of
https://platform.claude.com/docs/en/about-claude/models/overview; as of 2026-11-28.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

__all__ = ["bound_problems"]

_RANGES = {"temperature": (0, 1), "top_p": (0, 1), "top_k": (0, None)}
_MIN_THINKING = 1024
_MEMBERS = """
    billing_policy cache_control compaction container context_management diagnostics
    fallback_credit_token fallbacks inference_geo max_tokens mcp_servers messages
    metadata model output_config output_format service_tier speed stop_sequences stream
    system temperature thinking thread tool_choice tools top_k top_p user_profile_id
    workspace_id
    """
_KNOWN = set(_MEMBERS.split())
_OUTPUT_LIMITS = (
    (re.compile(r"claude-3-(opus|sonnet|haiku)-"), 4096),
    (re.compile(r"claude-3-5-"), 8192),
    (re.compile(r"claude-opus-4(-[01])?(-\d{8})?$"), 32_000),
    (re.compile(r"claude-(sonnet-4(-[05])?|haiku-4-5|opus-4-5)(-\d{8})?$"), 64_000),
)
"""The first pattern that matches counts; other models have no known limit."""


def bound_problems(params: dict[str, Any]) -> Iterator[str]:
    """Yield what is out of bounds."""
    for name in sorted(params.keys() - _KNOWN):
        yield f"{name}: Extra inputs are not permitted"
    for name, (low, high) in _RANGES.items():
        value = params.get(name)
        if not isinstance(value, int | float | None) or isinstance(value, bool):
            yield f"{name}: Input should be a valid number"
        if value is not None and value < low:
            yield f"{name}: Input should be greater than or equal to {low}"
        if value is not None and high is not None and value > high:
            yield f"{name}: Input should be less than or equal to {high}"
    yield from _token_problems(params)
    yield from _tool_result_problems(params["messages"])


def _token_problems(params: dict[str, Any]) -> Iterator[str]:
    tokens, model = params["max_tokens"], params["model"]
    found = (limit for pattern, limit in _OUTPUT_LIMITS if pattern.match(model))
    limit = next(found, tokens)
    if tokens > limit:
        yield (
            f"max_tokens: {tokens} > {limit}, which is the maximum allowed number of"
            f" output tokens for {model}"
        )
    thinking = params.get("thinking") or {}
    if thinking.get("type") == "enabled":
        if thinking["budget_tokens"] < _MIN_THINKING:
            yield (
                "thinking.enabled.budget_tokens: Input should be greater than or equal"
                f" to {_MIN_THINKING}"
            )
        if thinking["budget_tokens"] >= tokens:
            yield "`max_tokens` must be greater than `thinking.budget_tokens`."


def _tool_result_problems(messages: list[dict[str, Any]]) -> Iterator[str]:
    """Yield results of tools that the message before did not call."""
    called: set[str] = set()
    for number, message in enumerate(messages):
        blocks = message["content"] if isinstance(message["content"], list) else []
        for index, block in enumerate(blocks):
            tool_id = block.get("tool_use_id")
            if block.get("type") == "tool_result" and tool_id not in called:
                yield (
                    f"messages.{number}.content.{index}: unexpected `tool_use_id`"
                    f" found in `tool_result` blocks: {tool_id}. Each `tool_result`"
                    " block must have a corresponding `tool_use` block in the previous"
                    " message."
                )
        called = {b.get("id", "") for b in blocks if b.get("type") == "tool_use"}
