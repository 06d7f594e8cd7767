"""Requests and result lines of Anthropic batches."""

from __future__ import annotations

import json
from functools import lru_cache
from typing import Any

import orjson

from .._anthropic_models import refuses
from ._rules import anthropic_problem
from ._say import Asked, Failure, Said, Say, dice_of, spoil, tokens_of
from .faults import AnswerFault

__all__ = ["answer_line", "leftover_line"]

_TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    504: "timeout_error",
    529: "overloaded_error",
}
_STOPS = {
    "stop": "end_turn",
    "length": "max_tokens",
    "refusal": "refusal",
    "content_filter": "refusal",
}
_ROLES = {"user", "assistant", "system"}
_MAX_STRICT_TOOLS = 20

Usage = tuple[int, int]
"""Input and output tokens."""


def answer_line(
    request: dict[str, Any],
    seed: int,
    say: Say,
    fault: AnswerFault | None,
) -> tuple[bytes, str, Usage]:
    """Return a request's result line, its result type, and its usage."""
    custom_id, params = request["custom_id"], request["params"]
    kind = fault.kind if fault else None
    if kind in {"expired", "cancelled"}:
        return leftover_line(custom_id, str(kind)), str(kind), (0, 0)
    if kind == "unknown_type":
        return _line(custom_id, {"type": "postponed"}), "errored", (0, 0)
    if kind in {"null_response", "both_null", "status_zero", "failed"}:
        return _failed(custom_id, Failure(500, "A synthetic error.")), "errored", (0, 0)
    if fault and fault.status:
        message = fault.message or "A synthetic error."
        return _failed(custom_id, Failure(fault.status, message)), "errored", (0, 0)
    asked = _read(custom_id, params)
    if isinstance(asked, Failure):
        return _failed(custom_id, asked), "errored", (0, 0)
    said = say(asked, dice_of(seed, custom_id, params))
    if isinstance(said, Failure):
        return _failed(custom_id, said), "errored", (0, 0)
    if fault:
        said = spoil(said, fault)
    line = _line(
        custom_id, {"type": "succeeded", "message": _message(asked, said, kind)}
    )
    if kind == "control_characters":
        line = line.replace(b"\\u0001", b"\x01")
    return line, "succeeded", (said.input_tokens, said.output_tokens)


def leftover_line(custom_id: str | None, why: str) -> bytes:
    """Return the line of a request that never ran: `expired` or `cancelled`."""
    return _line(custom_id, {"type": "expired" if why == "expired" else "canceled"})


def _line(custom_id: str | None, result: dict[str, Any]) -> bytes:
    return orjson.dumps({"custom_id": custom_id, "result": result})


def _failed(custom_id: str, failure: Failure) -> bytes:
    kind = _TYPES.get(failure.status, "api_error")
    if 400 <= failure.status < 500:  # noqa: PLR2004 - HTTP's own ranges
        kind = _TYPES.get(failure.status, "invalid_request_error")
    return _line(
        custom_id,
        {
            "type": "errored",
            "error": {
                "type": "error",
                "error": {
                    "type": kind,
                    "message": failure.message,
                    "details": {"error_visibility": "user_facing"},
                },
                "request_id": None,
            },
        },
    )


def _read(custom_id: str, params: dict[str, Any]) -> Asked | Failure:
    """Return what a request asks for, or the error it gets."""
    problem = _problem(params)
    if problem:
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


def _problem(params: dict[str, Any]) -> str | None:
    for name in ("model", "max_tokens", "messages"):
        if name not in params:
            return f"{name}: Field required"
    if not isinstance(params["model"], str) or not params["model"].startswith("claude"):
        return f"model: {params['model']}"
    limit = params["max_tokens"]
    if not isinstance(limit, int) or isinstance(limit, bool) or limit < 1:
        return "max_tokens: Input should be greater than or equal to 1"
    if params.get("stream"):
        return "stream: Streaming is not supported in message batches"
    if params.get("speed") == "fast":
        return "speed: Fast mode is not supported in message batches"
    refused = refuses(params["model"])
    for name in ("temperature", "top_p", "top_k"):
        if name in refused and name in params:
            return f"`{name}` is not supported for this model."
    form = (params.get("output_config") or {}).get("format")
    if form and "json_schema" in refused:
        return (
            "output_config.format: structured outputs are not supported by this model"
        )
    return _messages_problem(params["messages"])


def _messages_problem(messages: Any) -> str | None:
    if not isinstance(messages, list) or not messages:
        return "messages: at least one message is required"
    for number, message in enumerate(messages):
        if not isinstance(message, dict) or message.get("role") not in _ROLES:
            return f"messages.{number}.role: Input should be 'user' or 'assistant'"
        if message["role"] == "system":
            return (
                'messages: Unexpected role "system". The Messages API accepts a'
                ' top-level `system` parameter, not "system" as an input message role.'
            )
        if not isinstance(message.get("content"), str | list):
            return f"messages.{number}.content: Field required"
        if message["content"] in ("", []) and message is not messages[-1]:
            return f"messages.{number}: all messages must have non-empty content"
    if messages[0]["role"] != "user":
        return 'messages: first message must use the "user" role'
    return None


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


def _message(asked: Asked, said: Said, kind: str | None) -> dict[str, Any]:
    text = said.text + ("\x01" if kind == "control_characters" else "")
    content: list[dict[str, Any]] = []
    stop = _STOPS[said.stop]
    if asked.tool and said.stop in {"stop", "length"}:
        stop = "tool_use" if said.stop == "stop" else stop
        content = [
            {
                "type": "tool_use",
                "id": f"toolu_sandbox_{number}",
                "name": asked.tool,
                "input": _input(text),
            }
            for number in range(2 if kind == "two_answers" else 1)
        ]
    elif text:
        content = [{"type": "text", "text": _quoted(text)}]
        content *= 2 if kind == "two_answers" else 1
    details = None
    if stop == "refusal":
        details = {"type": "refusal", "category": None, "explanation": None}
    return {
        "id": f"msg_sandbox_{asked.custom_id}",
        "type": "message",
        "role": "assistant",
        "model": asked.model,
        "content": content,
        "stop_reason": stop,
        "stop_sequence": None,
        "stop_details": details,
        "usage": {
            "input_tokens": said.input_tokens,
            "cache_creation_input_tokens": 0,
            "cache_read_input_tokens": 0,
            "cache_creation": {
                "ephemeral_5m_input_tokens": 0,
                "ephemeral_1h_input_tokens": 0,
            },
            "output_tokens": said.output_tokens,
            "service_tier": "batch",
        },
    }


def _input(text: str) -> Any:
    """Return a tool's input, which this API carries as an object, never as text."""
    try:
        json.loads(text, strict=False)
    except ValueError:
        return {}
    return orjson.Fragment(text)


def _quoted(text: str) -> Any:
    try:
        text.encode()
    except UnicodeEncodeError:
        return orjson.Fragment(json.dumps(text))
    return text
