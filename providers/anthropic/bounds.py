"""What Anthropic refuses in parameters whose form is right, by `models.py`."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from typing import Any

from .models import MEMBERS, MIN_BUDGET, RANGES, WORDS, output_limit, refuses

__all__ = ["body_problems"]

_ROLES = ("user", "assistant", "system")
_TOOL_NAME = re.compile(r"[a-zA-Z0-9_-]{1,128}")

_Found = Iterator[tuple[str, str]]
"""Paths in the parameters, and what is wrong there."""


def body_problems(params: dict[str, Any]) -> _Found:
    """Yield the paths of what is out of bounds, each with a sentence."""
    model = params.get("model")
    refused = refuses(model) if isinstance(model, str) else frozenset()
    for name in sorted(params):
        if name not in MEMBERS:
            yield name, f"Anthropic knows no `{name}`."
        elif name in refused and params[name] is not None:
            yield name, f"{model} takes no `{name}`."
    for name, (low, high) in RANGES.items():
        value = params.get(name)
        if value is None:
            continue
        if not isinstance(value, int | float) or isinstance(value, bool):
            yield name, f"its `{name}` must be a number."
        elif not low <= value <= high:
            bound = f"from {low}" + (f" to {high}" if high < math.inf else "")
            yield name, f"its `{name}` {value} must be {bound}."
    yield from _tokens(params, refused)
    yield from _output(params, refused)
    messages = params.get("messages")
    if isinstance(messages, list):
        yield from _messages(messages, refused)
        yield from _tool_results(messages)


def _tokens(params: dict[str, Any], refused: frozenset[str]) -> _Found:
    tokens, model = params.get("max_tokens"), params.get("model")
    if not isinstance(tokens, int) or isinstance(tokens, bool):
        return
    if isinstance(model, str) and tokens > (limit := output_limit(model)):
        yield (
            "max_tokens",
            f"its `max_tokens` {tokens} are above the {limit} of {model}.",
        )
    thinking, choice = params.get("thinking"), params.get("tool_choice")
    kind = thinking.get("type") if isinstance(thinking, dict) else None
    forced = isinstance(choice, dict) and choice.get("type") in ("any", "tool")
    if forced and kind in ("adaptive", "enabled"):
        said = "its `tool_choice` forces a tool, which `thinking` does not allow: leave"
        yield "tool_choice", said + ' one out, or choose `{"type": "auto"}`.'
    if not isinstance(thinking, dict) or kind != "enabled":
        return
    budget = thinking.get("budget_tokens")
    name = "thinking.budget_tokens"
    if "budget" in refused:
        yield "thinking.type", f"{model} takes no `{name}`; use the type `adaptive`."
    elif not isinstance(budget, int) or budget < MIN_BUDGET:
        yield name, f"its `{name}` must be at least {MIN_BUDGET}."
    elif budget >= tokens:
        yield name, f"its `{name}` must be below `max_tokens`."


def _output(params: dict[str, Any], refused: frozenset[str]) -> _Found:
    for path, words in WORDS.items():
        found: Any = params
        for name in path:
            found = found.get(name) if isinstance(found, dict) else None
        if found is not None and found not in words:
            where = ".".join(path)
            yield where, f"its `{where}` must be one of {', '.join(words)}."
    config = params.get("output_config")
    if "json_schema" in refused and isinstance(config, dict) and config.get("format"):
        yield "output_config.format", f"{params['model']} takes no JSON Schema."
    tools, choice = params.get("tools"), params.get("tool_choice")
    given = tools if isinstance(tools, list) else []
    names = [tool.get("name") if isinstance(tool, dict) else None for tool in given]
    for number, called in enumerate(names):
        if isinstance(called, str) and not _TOOL_NAME.fullmatch(called):
            where = f"tools[{number}].name"
            yield where, f"its `{where}` must be 1 to 128 of A-Z a-z 0-9 _ -."
    chosen = choice if isinstance(choice, dict) else {}
    if chosen.get("type") == "any" and not names:
        yield "tool_choice", "its `tool_choice` needs `tools`."
    if chosen.get("type") == "tool" and chosen.get("name") not in names:
        said = f"its `tool_choice` {chosen.get('name')!r} is none of its `tools`."
        yield "tool_choice", said


def _messages(messages: list[Any], refused: frozenset[str]) -> _Found:
    last = len(messages) - 1
    for number, message in enumerate(messages):
        where = f"messages[{number}]"
        given = message if isinstance(message, Mapping) else {}
        role, content = given.get("role"), given.get("content")
        if role not in _ROLES or (role == "system" and "system_role" in refused):
            yield f"{where}.role", f"its `{where}.role` {role!r} is not taken."
        elif number == 0 and role != "user":
            yield f"{where}.role", "its first message must be the user's."
        if role == "assistant" and number == last:
            if "prefill" in refused:
                text = "this model takes no last message of the assistant."
                yield f"{where}.role", text
        elif not content:
            yield f"{where}.content", f"its `{where}` has no content."
        if content is not None and not isinstance(content, str | list):
            yield (
                f"{where}.content",
                f"the content of `{where}` is no text and no list.",
            )


def _tool_results(messages: list[Any]) -> _Found:
    """Yield results of tools that the message before did not call."""
    called: list[Any] = []
    for number, message in enumerate(messages):
        content = message.get("content") if isinstance(message, dict) else None
        given = content if isinstance(content, list) else ()
        blocks = [block for block in given if isinstance(block, dict)]
        for block in blocks:
            found = block.get("tool_use_id")
            if block.get("type") == "tool_result" and found not in called:
                text = f"it has a tool result for {found!r}, which the message before"
                yield f"messages[{number}]", f"{text} did not call."
        called = [b.get("id") for b in blocks if b.get("type") == "tool_use"]
