"""What Anthropic refuses in parameters whose form is right.

The tables are in `models.py`. A member that is missing there is a warning, since new
ones appear.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from ...models import LineError
from ..base import WARNING
from .models import MEMBERS, MIN_BUDGET, RANGES, output_limit

__all__ = ["params_problems"]


def params_problems(params: dict[str, Any]) -> list[LineError]:
    """Return what is out of bounds; warnings have the code `WARNING`."""
    unknown = sorted(params.keys() - MEMBERS)
    return [
        *_numbers(params),
        *_tokens(params),
        *_tool_results(params.get("messages")),
        *(_problem(n, f"Anthropic knows no `{n}`.", WARNING) for n in unknown),
    ]


def _numbers(params: dict[str, Any]) -> Iterator[LineError]:
    for name, (low, high) in RANGES.items():
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
    if not isinstance(budget, int) or budget < MIN_BUDGET:
        yield _problem(name, f"its `{name}` must be at least {MIN_BUDGET}.")
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
