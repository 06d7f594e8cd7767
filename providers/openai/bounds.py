"""What OpenAI refuses in a body whose form is right.

Ranges and members are in `models.py`. What is not sure is a warning: upper bounds that
no page states, and members that are missing there, since new ones appear and services
that speak this wire format have their own.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from ...models import LineError
from ..base import WARNING
from .models import EFFORTS, MEMBERS, ROLES, ranges

__all__ = ["body_problems"]

_MAX_STOPS = 4
_NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}")


def body_problems(endpoint: str, body: dict[str, Any]) -> list[LineError]:
    """Return what is out of bounds; warnings have the code `WARNING`."""
    if endpoint not in MEMBERS:
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
    for name in sorted(body.keys() - MEMBERS[endpoint]):
        message = f"OpenAI knows no `{name}` for {endpoint}."
        problems.append(_problem(name, message, WARNING))
    return problems


def _numbers(endpoint: str, body: dict[str, Any]) -> Iterator[LineError]:
    for name, bounds in ranges(endpoint).items():
        value = body.get(name)
        if value is None:
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
        if not isinstance(role, str) or role not in ROLES:
            where = f"messages[{number}].role"
            yield _problem(where, f"its `{where}` {role!r} is no role of the API.")


def _words(body: dict[str, Any]) -> Iterator[LineError]:
    reasoning = body.get("reasoning")
    effort = reasoning.get("effort") if isinstance(reasoning, dict) else None
    for name, value in (
        ("reasoning_effort", body.get("reasoning_effort")),
        ("reasoning.effort", effort),
    ):
        is_known = isinstance(value, str | None) and value in {None, *EFFORTS}
        if not is_known:
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
