"""Reads the body of an OpenAI request as the API would, refusals included."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import orjson

from ...providers.openai.models import refuses
from ..answers.answers import Asked, Failure, tokens_of
from ..rules import openai_problem

__all__ = ["ENDPOINTS", "read_request"]

ENDPOINTS = (
    "/v1/responses",
    "/v1/chat/completions",
    "/v1/embeddings",
    "/v1/completions",
    "/v1/moderations",
    "/v1/images/generations",
    "/v1/images/edits",
    "/v1/videos",
)
"""What a batch may be for."""

_NEEDED = {
    "/v1/responses": "input",
    "/v1/chat/completions": "messages",
    "/v1/embeddings": "input",
    "/v1/completions": "prompt",
    "/v1/moderations": "input",
    "/v1/images/generations": "prompt",
    "/v1/images/edits": "prompt",
    "/v1/videos": "prompt",
}


_DEFAULT_MODELS = {
    "/v1/moderations": "omni-moderation-latest",
    "/v1/images/generations": "dall-e-2",
    "/v1/images/edits": "dall-e-2",
    "/v1/videos": "sora-2",
}


def needed(endpoint: str) -> list[str]:
    """Return the members without which a request says nothing."""
    model = [] if endpoint in _DEFAULT_MODELS else ["model"]
    return [*model, _NEEDED[endpoint]]


def read_request(
    endpoint: str, custom_id: str, body: dict[str, Any]
) -> Asked | Failure:
    """Return what a request asks for, or the error it gets."""
    model = body.get("model") or _DEFAULT_MODELS[endpoint]
    refused = refuses(model)
    for name in ("max_tokens", "temperature", "top_p"):
        if name in refused and name in body:
            if name != "max_tokens" and body[name] in {1, None}:
                continue
            return _refused_parameter(name)
    for name in ("n", "dimensions"):
        if name in body and not isinstance(body[name], int):
            text = f"Invalid type for '{name}': expected an integer."
            return Failure(400, text, name, "invalid_type")
    read = _READERS.get(endpoint, _read_plain)
    found = read(body)
    if isinstance(found, Failure):
        return found
    schema, tool, is_json_schema, limit = found
    if is_json_schema and "json_schema" in refused:
        return Failure(
            400,
            "Invalid parameter: 'response_format' of type 'json_schema' is not"
            " supported with this model.",
        )
    return Asked(
        custom_id=custom_id,
        model=model,
        messages=_messages(endpoint, body),
        schema=schema,
        tool=tool,
        max_tokens=limit,
        input_tokens=tokens_of(orjson.dumps(body)),
        temperature=body.get("temperature"),
    )


_Found = tuple[dict[str, Any] | None, str | None, bool, int | None] | Failure
"""Schema, tool, whether it was a `json_schema`, output limit."""


def _refused_parameter(name: str) -> Failure:
    instead = " Use 'max_completion_tokens' instead." if name == "max_tokens" else ""
    return Failure(
        400,
        f"Unsupported parameter: '{name}' is not supported with this model.{instead}",
        name,
        "unsupported_parameter",
    )


def _read_chat(body: dict[str, Any]) -> _Found:
    if not isinstance(body["messages"], list):
        text = "Invalid type for 'messages': expected an array of objects."
        return Failure(400, text, "messages", "invalid_type")
    limit = body.get("max_completion_tokens") or body.get("max_tokens")
    form = body.get("response_format") or {}
    if form.get("type") == "json_schema":
        inner = form.get("json_schema") or {}
        bad = _check_schema(inner, "schema", "response_format")
        return bad or (inner.get("schema"), None, True, limit)
    if form.get("type") == "json_object":
        return (
            {"type": "object", "properties": {"synthetic": {"type": "string"}}},
            None,
            False,
            limit,
        )
    tools = [t.get("function") or {} for t in body.get("tools") or ()]
    return _read_tools(tools, body.get("tool_choice"), limit)


def _read_responses(body: dict[str, Any]) -> _Found:
    limit = body.get("max_output_tokens")
    form = (body.get("text") or {}).get("format") or {}
    if form.get("type") == "json_schema":
        bad = _check_schema(form, "schema", "text.format")
        return bad or (form.get("schema"), None, True, limit)
    return _read_tools(body.get("tools") or [], body.get("tool_choice"), limit)


def _read_tools(tools: list[dict[str, Any]], choice: Any, limit: int | None) -> _Found:
    for number, tool in enumerate(tools):
        if tool.get("strict"):
            bad = _check_schema(tool, "parameters", f"tools[{number}].function")
            if bad:
                return bad
    name = None
    if isinstance(choice, dict):
        name = (choice.get("function") or choice).get("name")
    elif choice == "required" and tools:
        name = tools[0].get("name")
    for tool in tools:
        if tool.get("name") == name is not None:
            return tool.get("parameters") or {"type": "object"}, name, False, limit
    if name is not None:
        return Failure(
            400,
            f"Tool choice 'function' names {name!r}, which is not in 'tools'.",
            "tool_choice",
            "invalid_value",
        )
    return None, None, False, limit


def _read_plain(body: dict[str, Any]) -> _Found:
    return None, None, False, body.get("max_tokens")


_READERS = {"/v1/chat/completions": _read_chat, "/v1/responses": _read_responses}


def _check_schema(holder: dict[str, Any], key: str, param: str) -> Failure | None:
    name = holder.get("name")
    if not isinstance(name, str) or not name:
        return Failure(
            400,
            f"Missing required parameter: '{param}.name'.",
            f"{param}.name",
            "missing_required_parameter",
        )
    if not holder.get("strict"):
        return None
    problem = _problem(orjson.dumps(holder.get(key)))
    if problem is None:
        return None
    return Failure(
        400,
        f"Invalid schema for '{param}' {name!r}: {problem}",
        param,
        "invalid_json_schema" if key == "schema" else "invalid_function_parameters",
    )


@lru_cache(maxsize=64)
def _problem(schema: bytes) -> str | None:
    return openai_problem(orjson.loads(schema))


def _messages(endpoint: str, body: dict[str, Any]) -> list[dict[str, Any]]:
    given = body.get(_NEEDED[endpoint])
    messages: list[dict[str, Any]] = []
    if isinstance(body.get("instructions"), str):
        messages.append({"role": "system", "content": body["instructions"]})
    if isinstance(given, list):
        for item in given:
            if not isinstance(item, dict):
                messages.append({"role": "user", "content": str(item)})
            elif "role" in item:
                messages.append({"role": item["role"], "content": _chat_parts(item)})
    else:
        messages.append({"role": "user", "content": str(given)})
    return messages


def _chat_parts(item: dict[str, Any]) -> Any:
    """Turn the parts of the Responses API into those of the chat API."""
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
