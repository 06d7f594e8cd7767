"""Reads the body of a request as OpenAI's API does, and refuses what it refuses."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import orjson

from ..answers.answer import Failure, Question, estimate_tokens
from .bounds import bound_problems
from .parameters import takes
from .schema import schema_problem
from .shapes import ENDPOINTS

__all__ = ["read_request"]

_JSON_OBJECT = {"type": "object", "properties": {"synthetic": {"type": "string"}}}


def read_request(
    endpoint: str, body: dict[str, Any], *, is_bounded: bool
) -> Question | Failure:
    """Return what a request asks for, or the error that it gets.

    Args:
        endpoint: The endpoint, one of `ENDPOINTS`.
        body: The body of the request.
        is_bounded: Whether the bounds are known, which they are for OpenAI alone.
    """
    try:
        if failure := next(_problems(endpoint, body, is_bounded=is_bounded), None):
            return failure
        schema = _format(endpoint, body).get("schema")
        tool = _called_tool(endpoint, body)
        if tool is not None:
            schema = tool.get("parameters") or {"type": "object"}
        elif (body.get("response_format") or {}).get("type") == "json_object":
            schema = _JSON_OBJECT
        limits = ("max_completion_tokens", "max_output_tokens", "max_tokens")
        return Question(
            model=body["model"],
            messages=_messages(body, ENDPOINTS[endpoint].content),
            schema=schema,
            tool=tool["name"] if tool else None,
            max_tokens=next((body[name] for name in limits if body.get(name)), None),
            input_tokens=estimate_tokens(orjson.dumps(body)),
            temperature=body.get("temperature"),
        )
    except (AttributeError, KeyError, TypeError, ValueError) as exc:
        return Failure(400, f"Invalid type in the request body: {exc}.")


def _format(endpoint: str, body: dict[str, Any]) -> dict[str, Any]:
    """Return the JSON Schema format of a body with its name, or an empty dict."""
    if ENDPOINTS[endpoint].is_flat:
        form = (body.get("text") or {}).get("format") or {}
        return form if form.get("type") == "json_schema" else {}
    form = body.get("response_format") or {}
    is_schema = form.get("type") == "json_schema"
    return form.get("json_schema") or {"schema": None} if is_schema else {}


def _tools(endpoint: str, body: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the functions of a body."""
    if functions := body.get("functions"):  # the form before tools
        return list(functions)
    tools: list[dict[str, Any]] = body.get("tools") or []
    if ENDPOINTS[endpoint].is_flat:
        return tools
    return [tool.get("function") or {} for tool in tools]


def _called_name(endpoint: str, body: dict[str, Any]) -> str | None:
    """Return the name of the function that must be called."""
    choice = body.get("tool_choice") or body.get("function_call")
    tools = _tools(endpoint, body)
    if isinstance(choice, dict):
        if choice.get("type", "function") != "function":
            return None
        name: str | None = (choice.get("function") or choice).get("name")
        return name
    return tools[0].get("name") if choice == "required" and tools else None


def _called_tool(endpoint: str, body: dict[str, Any]) -> dict[str, Any] | None:
    name = _called_name(endpoint, body)
    found = (tool for tool in _tools(endpoint, body) if tool.get("name") == name)
    return None if name is None else next(found, None)


def _problems(
    endpoint: str, body: dict[str, Any], *, is_bounded: bool
) -> Iterator[Failure]:
    """Yield problems; only the first one is reliable."""
    if not isinstance(body.get("messages", []), list):
        text = "Invalid type for 'messages': expected an array of objects."
        yield Failure(400, text, "messages", "invalid_type")
    if is_bounded:
        yield from bound_problems(endpoint, body)
    yield from _format_problems(endpoint, body)
    path = "tools[{}]" if ENDPOINTS[endpoint].is_flat else "tools[{}].function"
    for number, tool in enumerate(_tools(endpoint, body)):
        if tool.get("strict"):
            where = path.format(number)
            yield from _schema_problems(tool, "parameters", "function", where)
    is_chat = endpoint == "/v1/chat/completions"
    if body.get("tool_choice") and not body.get("tools") and is_chat:
        text = (
            "Invalid value for 'tool_choice': 'tool_choice' is only allowed when"
            " 'tools' are specified."
        )
        yield Failure(400, text, "tool_choice")
    called = _called_name(endpoint, body)
    if called is not None and _called_tool(endpoint, body) is None:
        text = f"Tool choice 'function' names {called!r}, which is not in 'tools'."
        yield Failure(400, text, "tool_choice", "invalid_value")


def _format_problems(endpoint: str, body: dict[str, Any]) -> Iterator[Failure]:
    form = _format(endpoint, body)
    if not form:
        return
    param = "response_format.json_schema"
    if ENDPOINTS[endpoint].is_flat:
        param = "text.format"
    yield from _schema_problems(form, "schema", "response_format", param)
    if not takes(body["model"]).json_schema:
        name = param.removesuffix(".json_schema")
        text = (
            f"Invalid parameter: '{name}' of type 'json_schema' is not supported with"
            " this model."
        )
        yield Failure(400, text, name)


def _schema_problems(
    form: dict[str, Any], key: str, what: str, param: str
) -> Iterator[Failure]:
    name = form.get("name")
    if not isinstance(name, str) or not name:
        text = f"Missing required parameter: '{param}.name'."
        yield Failure(400, text, f"{param}.name", "missing_required_parameter")
    if form.get("strict") and (problem := schema_problem(form.get(key))):
        code = "invalid_json_schema"
        if what == "function":
            code = "invalid_function_parameters"
        text = f"Invalid schema for {what} {name!r}: {problem}"
        yield Failure(400, text, f"{param}.{key}", code)


def _messages(body: dict[str, Any], member: str) -> list[dict[str, Any]]:
    """Return the conversation in the form of the chat API."""
    given = body[member]
    messages: list[dict[str, Any]] = []
    if isinstance(body.get("instructions"), str):
        messages.append({"role": "system", "content": body["instructions"]})
    for item in given if isinstance(given, list) else [given]:
        if not isinstance(item, dict):
            messages.append({"role": "user", "content": str(item)})
        elif "role" in item:
            messages.append({"role": item["role"], "content": _content(item)})
    return messages


def _content(item: dict[str, Any]) -> Any:
    """Turn content parts of the Responses API into those of the chat API."""
    content = item.get("content")
    if not isinstance(content, list):
        return content
    parts = []
    for part in content:
        if part.get("type") in {"input_text", "output_text"}:
            parts.append({"type": "text", "text": part.get("text", "")})
        elif part.get("type") == "input_image":
            url = {"url": part.get("image_url")}
            parts.append({"type": "image_url", "image_url": url})
        else:
            parts.append(part)
    return parts
