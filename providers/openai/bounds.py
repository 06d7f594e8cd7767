"""What OpenAI refuses in a body whose form is right, by the table in `members.py`.

Services that imitate the wire format have members and bounds of their own: there,
everything is a warning.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from ...models import LineError
from ..base import WARNING
from .members import MEMBERS, NESTED, ROLES, Range, Rule
from .models import refuses

__all__ = ["body_problems"]

_MAX_STOPS = 4
_NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}")

_Found = Iterator[tuple[str, str]]
"""Paths in the body, and what is wrong there."""


def body_problems(
    endpoint: str, body: dict[str, Any], *, own_host: bool
) -> list[LineError]:
    """Return what is out of bounds; warnings have the code `WARNING`.

    Args:
        endpoint: The endpoint; nothing is known of one that is not in `MEMBERS`.
        body: The body of the request.
        own_host: Whether OpenAI itself answers.
    """
    if endpoint not in MEMBERS:
        return []
    found = [
        *_members(endpoint, body),
        *_refused(body),
        *_messages(body),
        *_names(body),
        *_choice(endpoint, body),
    ]
    stops = body.get("stop")
    if isinstance(stops, list) and len(stops) > _MAX_STOPS:
        found.append(("stop", f"it has {len(stops)} `stop` texts, not {_MAX_STOPS}."))
    is_chat = endpoint == "/v1/chat/completions"
    if is_chat and body.get("top_logprobs") is not None and not body.get("logprobs"):
        found.append(("top_logprobs", "`top_logprobs` needs `logprobs` set to true."))
    head = "This line is wrong" if own_host else "This line may be refused"
    return [
        LineError(
            code="invalid_value" if own_host else WARNING,
            param=f"body.{name}",
            message=f"{head}: {message}",
        )
        for name, message in found
    ]


def _members(endpoint: str, body: dict[str, Any]) -> _Found:
    members = MEMBERS[endpoint]
    for name in sorted(body):
        if name not in members:
            yield name, f"OpenAI knows no `{name}` for {endpoint}."
        elif said := _broken(members[name], body[name]):
            yield name, f"its `{name}` {said}"
    for (outer, inner), rule in NESTED.items():
        holder = body.get(outer)
        if isinstance(holder, dict) and (said := _broken(rule, holder.get(inner))):
            yield f"{outer}.{inner}", f"its `{outer}.{inner}` {said}"


def _broken(rule: Rule, value: Any) -> str | None:
    """Return how a value breaks a rule; null is like no value."""
    if rule is None or value is None:
        return None
    if isinstance(rule, Range):
        return _outside(rule, value)
    if isinstance(rule, frozenset):
        is_word = isinstance(value, str) and value in rule
        words = ", ".join(sorted(rule))
        return None if is_word else f"must be one of {words}, not {value!r}."
    noun = "true or false" if rule is bool else "a text"
    return None if isinstance(value, rule) else f"must be {noun}."


def _outside(bounds: Range, value: Any) -> str | None:
    kind = int if bounds.is_integer else int | float
    if not isinstance(value, kind) or isinstance(value, bool):
        return f"must be a {'whole ' if bounds.is_integer else ''}number."
    if value < bounds.low:
        return f"{value} is below {bounds.low}."
    if bounds.high is not None and value > bounds.high:
        return f"{value} is above {bounds.high}."
    return None


def _refused(body: dict[str, Any]) -> _Found:
    """Yield what the model does not take; 1 is the default of sampling parameters."""
    model = body.get("model")
    refused = refuses(model) if isinstance(model, str) else frozenset()
    for name in sorted(refused & body.keys()):
        if body[name] is not None and (name == "max_tokens" or body[name] != 1):
            yield name, f"{model} takes no `{name}`."
    if "json_schema" in refused:
        text, form = body.get("text"), body.get("response_format")
        flat = text.get("format") if isinstance(text, dict) else None
        for name, found in (("response_format", form), ("text.format", flat)):
            if isinstance(found, dict) and found.get("type") == "json_schema":
                yield name, f"{model} takes no JSON Schema as `{name}`."


def _messages(body: dict[str, Any]) -> _Found:
    if body.get("messages") == []:
        yield "messages", "its `messages` are empty."
    for name, roles in ROLES.items():
        said = body.get(name)
        for number, message in enumerate(said if isinstance(said, list) else ()):
            role = message.get("role") if isinstance(message, dict) else None
            if name == "input" and role is None:  # an item that is no message
                continue
            if not isinstance(role, str) or role not in roles:
                where = f"{name}[{number}].role"
                yield where, f"its `{where}` {role!r} is no role of the API."


def _functions(body: dict[str, Any]) -> _Found:
    """Yield the paths of the names of functions, with the names that are texts."""
    tools = body.get("tools")
    for number, tool in enumerate(tools if isinstance(tools, list) else ()):
        if isinstance(tool, dict) and tool.get("type") == "function":
            inner = tool.get("function")
            path = f"tools[{number}]" + (".function" if inner else "")
            name = (inner if isinstance(inner, dict) else tool).get("name")
            if isinstance(name, str):
                yield f"{path}.name", name


def _names(body: dict[str, Any]) -> _Found:
    form, text = body.get("response_format"), body.get("text")
    found = [*_functions(body)]
    for holder, key, path in (
        (form, "json_schema", "response_format.json_schema.name"),
        (text, "format", "text.format.name"),
    ):
        inner = holder.get(key) if isinstance(holder, dict) else None
        name = inner.get("name") if isinstance(inner, dict) else None
        if isinstance(name, str):
            found.append((path, name))
    for param, name in found:
        if name and not _NAME.fullmatch(name):
            yield param, f"its `{param}` must be 1 to 64 of A-Z a-z 0-9 _ -."


def _choice(endpoint: str, body: dict[str, Any]) -> _Found:
    choice = body.get("tool_choice")
    if choice and not body.get("tools") and endpoint == "/v1/chat/completions":
        yield "tool_choice", "its `tool_choice` needs `tools`."
    if isinstance(choice, dict) and choice.get("type") == "function":
        inner = choice.get("function")
        name = (inner if isinstance(inner, dict) else choice).get("name")
        if name not in [found for _, found in _functions(body)]:
            yield "tool_choice", f"its `tool_choice` {name!r} is none of its `tools`."
