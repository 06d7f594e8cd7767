"""What Anthropic refuses in parameters whose form is right.

The tables are those of `providers/anthropic/models.py`; the check is the sandbox's own,
apart from the client's in `providers/anthropic/bounds.py`, and a test compares both.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ...providers.anthropic.models import MEMBERS, MIN_BUDGET, RANGES, output_limit

__all__ = ["bound_problems"]


def bound_problems(params: dict[str, Any]) -> Iterator[str]:
    """Yield what is out of bounds."""
    for name in sorted(params.keys() - MEMBERS):
        yield f"{name}: Extra inputs are not permitted"
    for name, (low, high) in RANGES.items():
        value = params.get(name)
        if not isinstance(value, int | float | None) or isinstance(value, bool):
            yield f"{name}: Input should be a valid number"
        if value is not None and value < low:
            yield f"{name}: Input should be greater than or equal to {low}"
        if value is not None and value > high:
            yield f"{name}: Input should be less than or equal to {high}"
    yield from _token_problems(params)
    yield from _tool_result_problems(params["messages"])


def _token_problems(params: dict[str, Any]) -> Iterator[str]:
    tokens, model = params["max_tokens"], params["model"]
    if tokens > (limit := output_limit(model)):
        yield (
            f"max_tokens: {tokens} > {limit}, which is the maximum allowed number of"
            f" output tokens for {model}"
        )
    thinking = params.get("thinking") or {}
    if thinking.get("type") == "enabled":
        if thinking["budget_tokens"] < MIN_BUDGET:
            yield (
                "thinking.enabled.budget_tokens: Input should be greater than or equal"
                f" to {MIN_BUDGET}"
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
