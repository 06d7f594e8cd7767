"""Reads the body of a request as OpenAI's API does, and refuses what it refuses."""

from __future__ import annotations

from typing import Any

import orjson

from ...providers.openai.models import refuses
from ..answers.answer import Failure, Question, estimate_tokens
from .schema import schema_problem

__all__ = ["ENDPOINTS", "read_request"]

ENDPOINTS = {
    "/v1/responses": "input",
    "/v1/chat/completions": "messages",
    "/v1/embeddings": "input",
    "/v1/completions": "prompt",
}
"""The endpoints of batches, and the body member that each requires beside `model`."""

_JSON_OBJECT = {"type": "object", "properties": {"synthetic": {"type": "string"}}}


class _RefusedError(Exception):
    """The body is refused; `failure` says how."""

    def __init__(self, text: str, param: str | None, code: str | None) -> None:
        super().__init__(text)
        self.failure = Failure(400, text, param, code)


def read_request(endpoint: str, body: dict[str, Any]) -> Question | Failure:
    """Return what a request asks for, or the error that it gets."""
    try:
        return _read(endpoint, body)
    except _RefusedError as exc:
        return exc.failure
    except (AttributeError, KeyError, TypeError, ValueError) as exc:
        return Failure(400, f"Invalid type in the request body: {exc}.")


def _read(endpoint: str, body: dict[str, Any]) -> Question:
    refused = refuses(body["model"])
    for name in ("max_tokens", "temperature", "top_p"):
        if name in refused and name in body:
            if name != "max_tokens" and body[name] in {1, None}:
                continue
            text = f"Unsupported parameter: '{name}' is not supported with this model."
            if name == "max_tokens":
                text += " Use 'max_completion_tokens' instead."
            raise _RefusedError(text, name, "unsupported_parameter")
    for name in ("n", "dimensions"):
        if not isinstance(body.get(name), int | None):
            text = f"Invalid type for '{name}': expected an integer."
            raise _RefusedError(text, name, "invalid_type")
    schema, tool, max_tokens = None, None, body.get("max_tokens")
    if endpoint == "/v1/chat/completions":
        schema, tool = _read_chat(body, refused)
        max_tokens = body.get("max_completion_tokens") or max_tokens
    elif endpoint == "/v1/responses":
        schema, tool = _read_responses(body, refused)
        max_tokens = body.get("max_output_tokens")
    return Question(
        model=body["model"],
        messages=_messages(body, ENDPOINTS[endpoint]),
        schema=schema,
        tool=tool,
        max_tokens=max_tokens,
        input_tokens=estimate_tokens(orjson.dumps(body)),
        temperature=body.get("temperature"),
    )


_Form = tuple[dict[str, Any] | None, str | None]
"""Schema of the answer, and the function that must be called with it."""


def _read_chat(body: dict[str, Any], refused: frozenset[str]) -> _Form:
    if not isinstance(body["messages"], list):
        text = "Invalid type for 'messages': expected an array of objects."
        raise _RefusedError(text, "messages", "invalid_type")
    form = body.get("response_format") or {}
    if form.get("type") == "json_schema":
        schema = form.get("json_schema") or {}
        return _read_schema(schema, "response_format", refused)
    if form.get("type") == "json_object":
        return _JSON_OBJECT, None
    tools = [tool.get("function") or {} for tool in body.get("tools") or ()]
    return _read_tools(tools, body.get("tool_choice"))


def _read_responses(body: dict[str, Any], refused: frozenset[str]) -> _Form:
    form = (body.get("text") or {}).get("format") or {}
    if form.get("type") == "json_schema":
        return _read_schema(form, "text.format", refused)
    return _read_tools(body.get("tools") or [], body.get("tool_choice"))


def _read_schema(form: dict[str, Any], param: str, refused: frozenset[str]) -> _Form:
    _check_schema(form, "schema", param)
    if "json_schema" in refused:
        text = (
            f"Invalid parameter: '{param}' of type 'json_schema' is not supported with"
            " this model."
        )
        raise _RefusedError(text, None, None)
    return form.get("schema"), None


def _read_tools(tools: list[dict[str, Any]], choice: Any) -> _Form:
    for number, tool in enumerate(tools):
        if tool.get("strict"):
            _check_schema(tool, "parameters", f"tools[{number}].function")
    name = None
    if isinstance(choice, dict):
        name = (choice.get("function") or choice).get("name")
    elif choice == "required" and tools:
        name = tools[0].get("name")
    if name is None:
        return None, None
    for tool in tools:
        if tool.get("name") == name:
            return tool.get("parameters") or {"type": "object"}, name
    text = f"Tool choice 'function' names {name!r}, which is not in 'tools'."
    raise _RefusedError(text, "tool_choice", "invalid_value")


def _check_schema(form: dict[str, Any], key: str, param: str) -> None:
    name = form.get("name")
    if not isinstance(name, str) or not name:
        text = f"Missing required parameter: '{param}.name'."
        raise _RefusedError(text, f"{param}.name", "missing_required_parameter")
    if form.get("strict") and (problem := schema_problem(form.get(key))):
        code = "invalid_json_schema"
        if key == "parameters":
            code = "invalid_function_parameters"
        text = f"Invalid schema for '{param}' {name!r}: {problem}"
        raise _RefusedError(text, param, code)


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
