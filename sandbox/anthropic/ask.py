"""Reads the parameters of an Anthropic request as the API would, refusals included."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Any

import orjson

from ...providers.anthropic.models import refuses
from ..answers.answers import Asked, Failure, tokens_of
from ..rules import anthropic_problem

__all__ = ["read_request"]

_ROLES = {"user", "assistant", "system"}
_MAX_STRICT_TOOLS = 20


def read_request(custom_id: str, params: dict[str, Any]) -> Asked | Failure:
    """Return what a request asks for, or the error it gets."""
    if problem := next(_problems(params), None):
        return Failure(400, problem)
    schema, tool = None, None
    form = (params.get("output_config") or {}).get("format") or {}
    if form.get("type") == "json_schema":
        schema = form.get("schema")
        if problem := _schema_problem(orjson.dumps(schema)):
            return Failure(400, f"output_config.format.{problem}")
    tools = params.get("tools") or []
    strict = [each for each in tools if each.get("strict")]
    if len(strict) > _MAX_STRICT_TOOLS:
        return Failure(400, f"tools: at most {_MAX_STRICT_TOOLS} tools may be strict")
    for number, each in enumerate(strict):
        if problem := _schema_problem(orjson.dumps(each.get("input_schema"))):
            return Failure(400, f"tools.{number}.custom.input_{problem}")
    choice = params.get("tool_choice") or {}
    if choice.get("type") in {"tool", "any"}:
        wanted = choice.get("name") or (tools[0].get("name") if tools else None)
        found = [each for each in tools if each.get("name") == wanted]
        if not found:
            return Failure(
                400, f"tool_choice: Tool {wanted!r} not found in provided tools"
            )
        tool, schema = wanted, found[0].get("input_schema")
    return Asked(
        custom_id=custom_id,
        model=params["model"],
        messages=_chat_messages(params),
        schema=schema,
        tool=tool,
        max_tokens=params["max_tokens"],
        input_tokens=tokens_of(orjson.dumps(params)),
        temperature=params.get("temperature"),
    )


def _problems(params: dict[str, Any]) -> Iterator[str]:
    """Yield what is wrong, worst first; what follows may hang on what went before."""
    for name in ("model", "max_tokens", "messages"):
        if name not in params:
            yield f"{name}: Field required"
    if not isinstance(params["model"], str) or not params["model"].startswith("claude"):
        yield f"model: {params['model']}"
    limit = params["max_tokens"]
    if not isinstance(limit, int) or isinstance(limit, bool) or limit < 1:
        yield "max_tokens: Input should be greater than or equal to 1"
    if params.get("stream"):
        yield "stream: Streaming is not supported in message batches"
    if params.get("speed") == "fast":
        yield "speed: Fast mode is not supported in message batches"
    refused = refuses(params["model"])
    for name in ("temperature", "top_p", "top_k"):
        if name in refused and name in params:
            yield f"`{name}` is not supported for this model."
    form = (params.get("output_config") or {}).get("format")
    if form and "json_schema" in refused:
        yield "output_config.format: structured outputs are not supported by this model"
    yield from _message_problems(params["messages"])


def _message_problems(messages: Any) -> Iterator[str]:
    if not isinstance(messages, list) or not messages:
        yield "messages: at least one message is required"
    for number, message in enumerate(messages):
        where = f"messages.{number}"
        if not isinstance(message, dict) or message.get("role") not in _ROLES:
            yield f"{where}.role: Input should be 'user' or 'assistant'"
        if message["role"] == "system":
            yield (
                'messages: Unexpected role "system". The Messages API accepts a'
                ' top-level `system` parameter, not "system" as an input message role.'
            )
        if not isinstance(message.get("content"), str | list):
            yield f"{where}.content: Field required"
        if not message["content"] and message is not messages[-1]:
            yield f"{where}: all messages must have non-empty content"
    if messages[0]["role"] != "user":
        yield 'messages: first message must use the "user" role'


@lru_cache(maxsize=64)
def _schema_problem(schema: bytes) -> str | None:
    return anthropic_problem(orjson.loads(schema))


def _chat_messages(params: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the conversation as the chat API has it."""
    messages = []
    if system := params.get("system"):
        messages.append({"role": "system", "content": _chat_content(system)})
    for message in params["messages"]:
        content = _chat_content(message["content"])
        messages.append({"role": message["role"], "content": content})
    return messages


def _chat_content(content: Any) -> Any:
    if isinstance(content, str):
        return content
    parts: list[dict[str, Any]] = []
    for part in content:
        if part.get("type") == "text":
            parts.append({"type": "text", "text": part.get("text", "")})
        elif part.get("type") == "image":
            source = part.get("source") or {}
            url = source.get("url") or (
                f"data:{source.get('media_type')};base64,{source.get('data')}"
            )
            parts.append({"type": "image_url", "image_url": {"url": url}})
    if all(part["type"] == "text" for part in parts):
        return "\n".join(part["text"] for part in parts)
    return parts
