"""What OpenAI refuses in a body whose form is right.

Ranges and members are those that the types of openai 3.57 document, read on 2026-11-28.
`max_output_tokens` is from the API's own errors, as users quote them. What is not sure
is a warning: upper bounds that no page states, and members that are missing here, since
new ones appear and services that speak this wire format have their own.

The sandbox has a table of its own in `sandbox/openai/bounds.py`; a test compares them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ...models import LineError
from ..base import WARNING

__all__ = ["body_problems"]


@dataclass(frozen=True)
class _Range:
    low: float
    high: float | None = None
    doubtful_from: float | None = None
    """Above it, the request is probably refused."""
    is_integer: bool = False


_RANGES = {
    "temperature": _Range(0, 2),
    "top_p": _Range(0, 1),
    "frequency_penalty": _Range(-2, 2),
    "presence_penalty": _Range(-2, 2),
    "n": _Range(1, doubtful_from=128, is_integer=True),
    "best_of": _Range(1, doubtful_from=20, is_integer=True),
    "top_logprobs": _Range(0, 20, is_integer=True),
    "max_completion_tokens": _Range(1, is_integer=True),
    "max_output_tokens": _Range(16, is_integer=True),
    "dimensions": _Range(1, is_integer=True),
}
_OF_ENDPOINT = {
    ("/v1/chat/completions", "max_tokens"): _Range(1, is_integer=True),
    ("/v1/completions", "max_tokens"): _Range(0, is_integer=True),
    ("/v1/completions", "logprobs"): _Range(0, 5, is_integer=True),
}
_MAX_STOPS = 4
_ROLES = frozenset({"system", "developer", "user", "assistant", "tool", "function"})
_EFFORTS = frozenset({"none", "minimal", "low", "medium", "high", "xhigh", "max"})
_NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}")

_SAMPLING = "model stream stream_options temperature top_p user"
_SHARED = """
    metadata moderation parallel_tool_calls prompt_cache_key prompt_cache_options
    prompt_cache_retention safety_identifier service_tier store tool_choice tools
    top_logprobs
    """
_MEMBERS = {
    "/v1/chat/completions": f"""
        {_SAMPLING} {_SHARED} audio frequency_penalty function_call functions logit_bias
        logprobs max_completion_tokens max_tokens messages modalities n prediction
        presence_penalty reasoning_effort response_format seed stop verbosity
        web_search_options
        """,
    "/v1/responses": f"""
        {_SAMPLING} {_SHARED} access_programs background background_options
        context_management conversation image include input instructions
        max_output_tokens max_tool_calls previous_response_id prompt reasoning text
        truncation
        """,
    "/v1/embeddings": "dimensions encoding_format input model stream user",
    "/v1/completions": f"""
        {_SAMPLING} best_of echo frequency_penalty logit_bias logprobs max_tokens n
        presence_penalty prompt seed stop suffix
        """,
}
_KNOWN = {endpoint: frozenset(text.split()) for endpoint, text in _MEMBERS.items()}


def body_problems(endpoint: str, body: dict[str, Any]) -> list[LineError]:
    """Return what is out of bounds; warnings have the code `WARNING`."""
    if endpoint not in _KNOWN:
        return []
    problems = [
        *_numbers(endpoint, body),
        *_messages(body.get("messages")),
        *_words(body),
        *_names(body),
    ]
    stops = body.get("stop")
    if isinstance(stops, list) and len(stops) > _MAX_STOPS:
        message = f"it has {len(stops)} `stop` texts; the API takes {_MAX_STOPS}."
        problems.append(_problem("stop", message))
    is_chat = endpoint == "/v1/chat/completions"
    if is_chat and body.get("top_logprobs") is not None and not body.get("logprobs"):
        message = "`top_logprobs` needs `logprobs` set to true."
        problems.append(_problem("top_logprobs", message))
    for name in sorted(body.keys() - _KNOWN[endpoint]):
        message = f"OpenAI knows no `{name}` for {endpoint}."
        problems.append(_problem(name, message, WARNING))
    return problems


def _numbers(endpoint: str, body: dict[str, Any]) -> Iterator[LineError]:
    for name in _KNOWN[endpoint]:
        bounds = _OF_ENDPOINT.get((endpoint, name)) or _RANGES.get(name)
        value = body.get(name)
        if bounds is None or value is None:
            continue
        kind, noun = (int | float, "number")
        if bounds.is_integer:
            kind, noun = int, "whole number"
        if not isinstance(value, kind) or isinstance(value, bool):
            yield _problem(name, f"its `{name}` must be a {noun}.")
        elif value < bounds.low:
            yield _problem(name, f"its `{name}` {value} is below {bounds.low}.")
        elif bounds.high is not None and value > bounds.high:
            yield _problem(name, f"its `{name}` {value} is above {bounds.high}.")
        elif bounds.doubtful_from is not None and value > bounds.doubtful_from:
            message = f"its `{name}` {value} is above {bounds.doubtful_from}."
            yield _problem(name, message, WARNING)


def _messages(messages: Any) -> Iterator[LineError]:
    if not isinstance(messages, list):
        return
    if not messages:
        yield _problem("messages", "its `messages` are empty.")
    for number, message in enumerate(messages):
        role = message.get("role") if isinstance(message, dict) else None
        if role not in _ROLES:
            where = f"messages[{number}].role"
            yield _problem(where, f"its `{where}` {role!r} is no role of the API.")


def _words(body: dict[str, Any]) -> Iterator[LineError]:
    reasoning = body.get("reasoning")
    effort = reasoning.get("effort") if isinstance(reasoning, dict) else None
    for name, value in (
        ("reasoning_effort", body.get("reasoning_effort")),
        ("reasoning.effort", effort),
    ):
        if value is not None and value not in _EFFORTS:
            yield _problem(name, f"its `{name}` {value!r} is no effort of the API.")


def _names(body: dict[str, Any]) -> Iterator[LineError]:
    form, text, tools = (
        body.get(key) or {} for key in ("response_format", "text", "tools")
    )
    found = []
    if isinstance(form, dict) and isinstance(schema := form.get("json_schema"), dict):
        found.append(("response_format.json_schema.name", schema.get("name")))
    if isinstance(text, dict) and isinstance(form := text.get("format"), dict):
        found.append(("text.format.name", form.get("name")))
    for number, tool in enumerate(tools if isinstance(tools, list) else ()):
        if isinstance(tool, dict) and tool.get("type") == "function":
            inner = tool.get("function")
            path = f"tools[{number}]" + (".function" if inner else "")
            holder = inner if isinstance(inner, dict) else tool
            found.append((f"{path}.name", holder.get("name")))
    for param, name in found:
        if isinstance(name, str) and name and not _NAME.fullmatch(name):
            message = f"its `{param}` must be 1 to 64 of A-Z a-z 0-9 _ -."
            yield _problem(param, message)


def _problem(name: str, message: str, code: str = "invalid_value") -> LineError:
    head = "This line may be refused" if code == WARNING else "This line is wrong"
    return LineError(code=code, param=f"body.{name}", message=f"{head}: {message}")
