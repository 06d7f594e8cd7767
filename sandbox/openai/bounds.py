"""What OpenAI refuses in a body whose form is right: ranges, words, unknown members.

The tables are those of `providers/openai/models.py`; the check is the sandbox's own,
apart from the client's in `providers/openai/bounds.py`, and a test compares both. The
messages are as users quote them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from ...providers.openai.models import EFFORTS, MEMBERS, ROLES, Range, ranges
from ..answers.answer import Failure

__all__ = ["bound_problems"]

_MAX_STOPS = 4
_NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}")


def bound_problems(endpoint: str, body: dict[str, Any]) -> Iterator[Failure]:
    """Yield what is out of bounds."""
    for name in sorted(body.keys() - MEMBERS[endpoint]):
        if endpoint == "/v1/responses":
            text = f"Unknown parameter: '{name}'."
            yield Failure(400, text, name, "unknown_parameter")
        yield Failure(400, f"Unrecognized request argument supplied: {name}")
    for name, bounds in ranges(endpoint).items():
        yield from _number(body.get(name), name, bounds)
    if body.get("messages") == []:
        text = (
            "Invalid 'messages': empty array. Expected an array with minimum length 1,"
            " but got an empty array instead."
        )
        yield Failure(400, text, "messages", "empty_array")
    for number, message in enumerate(body.get("messages") or ()):
        role = message.get("role", "")
        yield from _choice(role, f"messages[{number}].role", ROLES)
    yield from _choice(body.get("reasoning_effort"), "reasoning_effort", EFFORTS)
    effort = (body.get("reasoning") or {}).get("effort")
    yield from _choice(effort, "reasoning.effort", EFFORTS)
    yield from _stop_problems(body.get("stop"))
    is_chat = endpoint == "/v1/chat/completions"
    if is_chat and body.get("top_logprobs") is not None and not body.get("logprobs"):
        text = "'logprobs' must be set to true if 'top_logprobs' is used."
        yield Failure(400, text, "top_logprobs", "invalid_value")
    for param, name in _names(body):
        if isinstance(name, str) and name and not _NAME.fullmatch(name):
            text = (
                f"Invalid '{param}': string does not match pattern. Expected a string"
                " that matches the pattern '^[a-zA-Z0-9_-]{1,64}$'."
            )
            yield Failure(400, text, param, "invalid_value")


def _stop_problems(stops: Any) -> Iterator[Failure]:
    if isinstance(stops, list) and len(stops) > _MAX_STOPS:
        text = (
            "Invalid 'stop': array too long. Expected an array with maximum length"
            f" {_MAX_STOPS}, but got an array with length {len(stops)} instead."
        )
        yield Failure(400, text, "stop", "array_above_max_length")


def _number(value: Any, name: str, bounds: Range) -> Iterator[Failure]:
    if value is None:
        return
    low, high = bounds.low, bounds.high
    kind = "integer" if bounds.is_integer else "decimal"
    is_number = isinstance(value, int if bounds.is_integer else int | float)
    if not is_number or isinstance(value, bool):
        noun = "an integer" if bounds.is_integer else "a decimal"
        text = f"Invalid type for '{name}': expected {noun}."
        yield Failure(400, text, name, "invalid_type")
    for is_out, side, word, bound in (
        (value < low, "below", "minimum", f">= {low}"),
        (high is not None and value > high, "above", "maximum", f"<= {high}"),
    ):
        if is_out:
            text = (
                f"Invalid '{name}': {kind} {side} {word} value. Expected a value"
                f" {bound}, but got {value} instead."
            )
            yield Failure(400, text, name, f"{kind}_{side}_{word[:3]}_value")


def _choice(value: Any, param: str, allowed: frozenset[str]) -> Iterator[Failure]:
    if value is not None and value not in allowed:
        words = ", ".join(f"'{word}'" for word in sorted(allowed))
        text = f"Invalid value: '{value}'. Supported values are: {words}."
        yield Failure(400, text, param, "invalid_value")


def _names(body: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yield the names of schemas and functions, with their paths."""
    schema = (body.get("response_format") or {}).get("json_schema") or {}
    yield "response_format.json_schema.name", schema.get("name")
    yield "text.format.name", ((body.get("text") or {}).get("format") or {}).get("name")
    for number, tool in enumerate(body.get("tools") or ()):
        function = tool.get("function")
        path = f"tools[{number}]" + (".function" if function else "")
        if tool.get("type") == "function":
            yield f"{path}.name", (function or tool).get("name")
