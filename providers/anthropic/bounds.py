"""What Anthropic refuses in parameters whose form is right.

Members are those of the types of anthropic 2.14, ranges those of
https://platform.claude.com/docs/en/api/messages, output limits those of
https://platform.claude.com/docs/en/about-claude/models/overview; as of 2026-11-28. A
member that is missing here is a warning, since new ones appear.

The sandbox has a table of its own in `sandbox/anthropic/bounds.py`; a test compares
both.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from ...models import LineError
from ..base import WARNING

__all__ = ["output_limit", "params_problems"]

_RANGES = {"temperature": (0, 1), "top_p": (0, 1), "top_k": (0, math.inf)}
_MIN_BUDGET = 1024
_MEMBERS = """
    billing_policy cache_control compaction container context_management diagnostics
    fallback_credit_token fallbacks inference_geo max_tokens mcp_servers messages
    metadata model output_config output_format service_tier speed stop_sequences stream
    system temperature thinking thread tool_choice tools top_k top_p user_profile_id
    workspace_id
    """
_KNOWN = frozenset(_MEMBERS.split())
_OUTPUT_LIMITS = (
    (r"claude-3-(opus|sonnet|haiku)-\d{8}", 4_096),
    (r"claude-3-5-(sonnet|haiku)-(\d{8}|latest)", 8_192),
    (r"claude-opus-4(-0|-1)?(-\d{8})?", 32_000),
    (r"claude-sonnet-4(-0|-5)?(-\d{8})?", 64_000),
    (r"claude-(haiku|opus)-4-5(-\d{8})?", 64_000),
)


@lru_cache
def output_limit(model: str) -> float:
    """Return the highest `max_tokens` of a model; infinity if it is not known."""
    found = (n for pattern, n in _OUTPUT_LIMITS if re.fullmatch(pattern, model))
    return next(found, math.inf)


def params_problems(params: dict[str, Any]) -> list[LineError]:
    """Return what is out of bounds; warnings have the code `WARNING`."""
    unknown = sorted(params.keys() - _KNOWN)
    return [
        *_numbers(params),
        *_tokens(params),
        *_tool_results(params.get("messages")),
        *(_problem(n, f"Anthropic knows no `{n}`.", WARNING) for n in unknown),
    ]


def _numbers(params: dict[str, Any]) -> Iterator[LineError]:
    for name, (low, high) in _RANGES.items():
        value = params.get(name)
        if value is None:
            continue
        if not isinstance(value, int | float) or isinstance(value, bool):
            yield _problem(name, f"its `{name}` must be a number.")
        elif not low <= value <= high:
            bound = f"from {low}" + (f" to {high}" if high < math.inf else "")
            yield _problem(name, f"its `{name}` {value} must be {bound}.")


def _tokens(params: dict[str, Any]) -> Iterator[LineError]:
    tokens, model = params.get("max_tokens"), params.get("model")
    if not isinstance(tokens, int) or isinstance(tokens, bool):
        return
    if isinstance(model, str) and tokens > (limit := output_limit(model)):
        message = f"its `max_tokens` {tokens} are above the {limit} of {model}."
        yield _problem("max_tokens", message)
    thinking = params.get("thinking")
    if not isinstance(thinking, dict) or thinking.get("type") != "enabled":
        return
    budget = thinking.get("budget_tokens")
    name = "thinking.budget_tokens"
    if not isinstance(budget, int) or budget < _MIN_BUDGET:
        yield _problem(name, f"its `{name}` must be at least {_MIN_BUDGET}.")
    elif budget >= tokens:
        yield _problem(name, f"its `{name}` must be below `max_tokens`.")


def _tool_results(messages: Any) -> Iterator[LineError]:
    called: set[Any] = set()
    for number, message in enumerate(messages if isinstance(messages, list) else ()):
        content = message.get("content") if isinstance(message, dict) else None
        blocks = [b for b in content if isinstance(b, dict)] if content else []
        for block in blocks:
            found = block.get("tool_use_id")
            if block.get("type") == "tool_result" and found not in called:
                text = f"it has a tool result for {found!r}, which the message before"
                yield _problem(f"messages[{number}]", f"{text} did not call.")
        called = {b.get("id") for b in blocks if b.get("type") == "tool_use"}


def _problem(name: str, message: str, code: str | None = None) -> LineError:
    head = "This line may be refused" if code == WARNING else "This line is wrong"
    return LineError(
        code=code or "invalid_request_error",
        param=f"params.{name}",
        message=f"{head}: {message}",
    )
