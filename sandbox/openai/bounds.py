"""What OpenAI refuses in a body whose form is right: ranges, words, unknown members.

The sandbox's own table, apart from the client's in `providers/openai/bounds.py`; a
test compares both. Ranges and members are those that the types of openai 3.57 document,
read on 2026-11-28; the messages and `max_output_tokens >= 16` are as users quote them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from ..answers.answer import Failure

__all__ = ["bound_problems"]

_SAMPLING = {"temperature": (0, 2), "top_p": (0, 1)}
_PENALTIES = {"frequency_penalty": (-2, 2), "presence_penalty": (-2, 2)}
_DECIMALS = {**_SAMPLING, **_PENALTIES}
_INTEGERS: dict[str, dict[str, tuple[int, int | None]]] = {
    "/v1/chat/completions": {
        "n": (1, None),
        "top_logprobs": (0, 20),
        "max_tokens": (1, None),
        "max_completion_tokens": (1, None),
    },
    "/v1/responses": {"top_logprobs": (0, 20), "max_output_tokens": (16, None)},
    "/v1/embeddings": {"dimensions": (1, None)},
    "/v1/completions": {
        "n": (1, None),
        "best_of": (1, None),
        "logprobs": (0, 5),
        "max_tokens": (0, None),
    },
}
_MAX_STOPS = 4
_ROLES = ("system", "assistant", "user", "function", "tool", "developer")
_EFFORTS = ("none", "minimal", "low", "medium", "high", "xhigh", "max")
_NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}")

_MEMBERS = {
    "/v1/chat/completions": """
        audio frequency_penalty function_call functions logit_bias logprobs
        max_completion_tokens max_tokens messages metadata modalities model moderation n
        parallel_tool_calls prediction presence_penalty prompt_cache_key
        prompt_cache_options prompt_cache_retention reasoning_effort response_format
        safety_identifier seed service_tier stop store stream stream_options temperature
        tool_choice tools top_logprobs top_p user verbosity web_search_options
        """,
    "/v1/responses": """
        access_programs background background_options context_management conversation
        image include input instructions max_output_tokens max_tool_calls metadata model
        moderation parallel_tool_calls previous_response_id prompt prompt_cache_key
        prompt_cache_options prompt_cache_retention reasoning safety_identifier
        service_tier store stream stream_options temperature text tool_choice tools
        top_logprobs top_p truncation user
        """,
    "/v1/embeddings": "dimensions encoding_format input model user stream",
    "/v1/completions": """
        best_of echo frequency_penalty logit_bias logprobs max_tokens model n
        presence_penalty prompt seed stop stream stream_options suffix temperature top_p
        user
        """,
}
_KNOWN = {endpoint: set(names.split()) for endpoint, names in _MEMBERS.items()}


def bound_problems(endpoint: str, body: dict[str, Any]) -> Iterator[Failure]:
    """Yield what is out of bounds."""
    for name in sorted(body.keys() - _KNOWN[endpoint]):
        if endpoint == "/v1/responses":
            text = f"Unknown parameter: '{name}'."
            yield Failure(400, text, name, "unknown_parameter")
        yield Failure(400, f"Unrecognized request argument supplied: {name}")
    for name, (low, high) in _INTEGERS[endpoint].items():
        yield from _number(body.get(name), name, low, high, "integer")
    for name, (low, high) in _DECIMALS.items():
        yield from _number(body.get(name), name, low, high, "decimal")
    if body.get("messages") == []:
        text = (
            "Invalid 'messages': empty array. Expected an array with minimum length 1,"
            " but got an empty array instead."
        )
        yield Failure(400, text, "messages", "empty_array")
    for number, message in enumerate(body.get("messages") or ()):
        role = message.get("role", "")
        yield from _choice(role, f"messages[{number}].role", _ROLES)
    yield from _choice(body.get("reasoning_effort"), "reasoning_effort", _EFFORTS)
    effort = (body.get("reasoning") or {}).get("effort")
    yield from _choice(effort, "reasoning.effort", _EFFORTS)
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


def _number(
    value: Any, name: str, low: float, high: float | None, kind: str
) -> Iterator[Failure]:
    if value is None:
        return
    is_number = isinstance(value, int if kind == "integer" else int | float)
    if not is_number or isinstance(value, bool):
        noun = "an integer" if kind == "integer" else "a decimal"
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


def _choice(value: Any, param: str, allowed: tuple[str, ...]) -> Iterator[Failure]:
    if value is not None and value not in allowed:
        words = ", ".join(f"'{word}'" for word in allowed)
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
