"""What OpenAI refuses in a body whose form is right: values, roles, unknown members.

A check of its own, apart from the client's in `providers/openai/bounds.py`, and a test
compares both. The messages are as users quote them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from ..answers.answer import Failure
from .parameters import PARAMETERS, SUB_PARAMETERS, Parameter, takes

__all__ = ["bound_problems"]

_NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}")
_ROLES = ("assistant", "developer", "system", "user")
_CHAT_ROLES = ("assistant", "developer", "function", "system", "tool", "user")
_TYPES: dict[str, tuple[str, type | tuple[type, ...]]] = {
    "boolean": ("a boolean", bool),
    "string": ("a string", str),
    "integer": ("an integer", int),
    "number": ("a decimal", (int, float)),
}


def bound_problems(endpoint: str, body: dict[str, Any]) -> Iterator[Failure]:
    """Yield what is out of bounds; only the first one is reliable."""
    parameters = PARAMETERS[endpoint]
    for name in sorted(body.keys() - parameters.keys()):
        if endpoint == "/v1/responses":
            text = f"Unknown parameter: '{name}'."
            yield Failure(400, text, name, "unknown_parameter")
        yield Failure(400, f"Unrecognized request argument supplied: {name}")
    yield from _model_problems(endpoint, body)
    for name, parameter in parameters.items():
        yield from _value_problems(body.get(name), name, parameter)
    for outer, inner in SUB_PARAMETERS.items():
        for name, parameter in inner.items():
            value = (body.get(outer) or {}).get(name)
            yield from _value_problems(value, f"{outer}.{name}", parameter)
    yield from _message_problems(body)
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


def _model_problems(endpoint: str, body: dict[str, Any]) -> Iterator[Failure]:
    taken = takes(body["model"])
    if body.get("max_tokens") is not None and not taken.max_tokens:
        text = (
            "Unsupported parameter: 'max_tokens' is not supported with this model. Use"
            " 'max_completion_tokens' instead."
        )
        yield Failure(400, text, "max_tokens", "unsupported_parameter")
    for name in ("temperature", "top_p"):
        value = body.get(name)
        if taken.sampling or value is None or value == 1:
            continue
        if endpoint == "/v1/responses":
            text = f"Unsupported parameter: '{name}' is not supported with this model."
            yield Failure(400, text, name)
        text = (
            f"Unsupported value: '{name}' does not support {value} with this model."
            " Only the default (1) value is supported."
        )
        yield Failure(400, text, name, "unsupported_value")


def _value_problems(value: Any, name: str, parameter: Parameter) -> Iterator[Failure]:
    if value is None:
        return
    length = len(value) if isinstance(value, list) else 0
    if parameter.max_items is not None and length > parameter.max_items:
        text = (
            f"Invalid '{name}': array too long. Expected an array with maximum length"
            f" {parameter.max_items}, but got an array with length {length} instead."
        )
        yield Failure(400, text, name, "array_above_max_length")
    if parameter.type is None:
        return
    noun, kind = _TYPES[parameter.type]
    is_flag = isinstance(value, bool)
    if not isinstance(value, kind) or is_flag != (parameter.type == "boolean"):
        text = f"Invalid type for '{name}': expected {noun}."
        yield Failure(400, text, name, "invalid_type")
    if parameter.enum and value not in parameter.enum:
        yield _unknown_word(value, name, parameter.enum)
    low, high = parameter.minimum, parameter.maximum
    for is_out, side, word, bound in (
        (low is not None and value < low, "below", "minimum", f">= {low}"),
        (high is not None and value > high, "above", "maximum", f"<= {high}"),
    ):
        if is_out:
            kind_word = noun.rpartition(" ")[2]
            text = (
                f"Invalid '{name}': {kind_word} {side} {word} value. Expected a value"
                f" {bound}, but got {value} instead."
            )
            yield Failure(400, text, name, f"{kind_word}_{side}_{word[:3]}_value")


def _unknown_word(value: Any, param: str, words: tuple[str, ...]) -> Failure:
    listed = ", ".join(f"'{word}'" for word in words)
    text = f"Invalid value: '{value}'. Supported values are: {listed}."
    return Failure(400, text, param, "invalid_value")


def _message_problems(body: dict[str, Any]) -> Iterator[Failure]:
    if body.get("messages") == []:
        text = (
            "Invalid 'messages': empty array. Expected an array with minimum length 1,"
            " but got an empty array instead."
        )
        yield Failure(400, text, "messages", "empty_array")
    for number, message in enumerate(body.get("messages") or ()):
        if (role := message.get("role", "")) not in _CHAT_ROLES:
            yield _unknown_word(role, f"messages[{number}].role", _CHAT_ROLES)
    items = body.get("input")
    for number, item in enumerate(items if isinstance(items, list) else ()):
        role = item.get("role") if isinstance(item, dict) else None
        if role is not None and role not in _ROLES:
            yield _unknown_word(role, f"input[{number}].role", _ROLES)


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
