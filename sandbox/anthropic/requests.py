"""Reads the parameters of a request as Anthropic's API does, and refuses what it does.

An independent judge of the client's check in `providers/anthropic/check.py`: it shares
neither code nor tables with it, and a test compares what both say of the same requests.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import orjson

from ..answers.answer import Failure, Question, estimate_tokens
from .parameters import PARAMETERS, Takes, takes
from .schema import schema_problem

__all__ = ["read_request"]

_ROLES = {"user", "assistant", "system"}
_MAX_STRICT_TOOLS = 20
_FORCING = {"tool", "any"}
_THINKING = {"adaptive", "enabled"}
_MIN_BUDGET = 1024
_TOOL_NAME = re.compile(r"[a-zA-Z0-9_-]{1,128}")
_MAXIMA = {"temperature": 1, "top_p": 1, "top_k": float("inf")}
_WORDS = {
    "service_tier": ("auto", "standard_only"),
    "output_config.effort": ("low", "medium", "high", "xhigh", "max"),
}


def read_request(params: dict[str, Any]) -> Question | Failure:
    """Return what a request asks for, or the error that it gets."""
    try:
        if problem := next(_problems(params), None):
            return Failure(400, problem)
        return _read(params)
    except (AttributeError, KeyError, TypeError, ValueError) as exc:
        return Failure(400, f"params: Input has an unexpected type: {exc}")


def _read(params: dict[str, Any]) -> Question:
    schema, tool = _format(params)[1].get("schema"), None
    choice = params.get("tool_choice") or {}
    if choice.get("type") in _FORCING:
        chosen = _chosen_tool(params)
        tool, schema = chosen["name"], chosen.get("input_schema")
    return Question(
        model=params["model"],
        messages=_chat_messages(params),
        schema=schema,
        tool=tool,
        max_tokens=params["max_tokens"],
        input_tokens=estimate_tokens(orjson.dumps(params)),
        temperature=params.get("temperature"),
    )


def _format(params: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """Return the `json_schema` format of a request and the path that leads to it."""
    form = (params.get("output_config") or {}).get("format") or {}
    path = "output_config.format"
    if not form and params.get("output_format"):  # the form of the beta
        path, form = "output_format", params["output_format"]
    return path, form if form.get("type") == "json_schema" else {}


def _chosen_tool(params: dict[str, Any]) -> dict[str, Any]:
    """Return the tool that must be called, or an empty dict if there is none."""
    tools: list[dict[str, Any]] = params.get("tools") or []
    wanted = params["tool_choice"].get("name") or (tools[0]["name"] if tools else None)
    return next((tool for tool in tools if tool.get("name") == wanted), {})


def _problems(params: dict[str, Any]) -> Iterator[str]:
    """Yield problems; only the first one is reliable."""
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
    taken = takes(params["model"])
    yield from _message_problems(params["messages"], taken)
    yield from _bound_problems(params, taken)
    yield from _output_problems(params, taken)


def _message_problems(messages: Any, taken: Takes) -> Iterator[str]:
    if not isinstance(messages, list) or not messages:
        yield "messages: at least one message is required"
    for number, message in enumerate(messages):
        where = f"messages.{number}"
        if not isinstance(message, dict) or message.get("role") not in _ROLES:
            yield f"{where}.role: Input should be 'user', 'assistant' or 'system'"
        if message["role"] == "system" and not taken.system_role:
            yield "role 'system' is not supported on this model"
        if not isinstance(message.get("content"), str | list):
            yield f"{where}.content: Field required"
        is_final = message["role"] == "assistant" and number == len(messages) - 1
        if not message["content"] and not is_final:
            yield (
                f"{where}: all messages must have non-empty content except for the"
                " optional final assistant message"
            )
    if messages[0]["role"] != "user":
        yield 'messages: first message must use the "user" role'
    if messages[-1]["role"] == "assistant" and not taken.prefill:
        yield (
            "This model does not support assistant message prefill. The conversation"
            " must end with a user message."
        )


def _bound_problems(params: dict[str, Any], taken: Takes) -> Iterator[str]:
    """Yield what is out of bounds."""
    for name in sorted(params.keys() - PARAMETERS):
        yield f"{name}: Extra inputs are not permitted"
    for name, maximum in _MAXIMA.items():
        value = params.get(name)
        if value is not None and not taken.sampling:
            yield f"`{name}` is deprecated for this model."
        if not isinstance(value, int | float | None) or isinstance(value, bool):
            yield f"{name}: Input should be a valid number"
        if value is not None and value < 0:
            yield f"{name}: Input should be greater than or equal to 0"
        if value is not None and value > maximum:
            yield f"{name}: Input should be less than or equal to {maximum}"
    effort = (params.get("output_config") or {}).get("effort")
    given = {"service_tier": params.get("service_tier"), "output_config.effort": effort}
    for name, words in _WORDS.items():
        if given[name] is not None and given[name] not in words:
            listed = " or ".join(f"'{word}'" for word in words)
            yield f"{name}: Input should be {listed}"
    yield from _token_problems(params, taken)
    yield from _tool_result_problems(params["messages"])


def _token_problems(params: dict[str, Any], taken: Takes) -> Iterator[str]:
    tokens = params["max_tokens"]
    if tokens > taken.max_tokens:
        yield (
            f"max_tokens: {tokens} > {taken.max_tokens}, which is the maximum allowed"
            f" number of output tokens for {params['model']}"
        )
    thinking = params.get("thinking") or {}
    choice = params.get("tool_choice") or {}
    if choice.get("type") in _FORCING and thinking.get("type") in _THINKING:
        yield "Thinking may not be enabled when tool_choice forces tool use."
    if thinking.get("type") != "enabled":
        return
    if not taken.budget:
        yield (
            '"thinking.type.enabled" is not supported for this model. Use'
            ' "thinking.type.adaptive" and "output_config.effort" to control thinking'
            " behavior."
        )
    if thinking["budget_tokens"] < _MIN_BUDGET:
        yield (
            "thinking.enabled.budget_tokens: Input should be greater than or equal to"
            f" {_MIN_BUDGET}"
        )
    if thinking["budget_tokens"] >= tokens:
        yield "`max_tokens` must be greater than `thinking.budget_tokens`."


def _tool_result_problems(messages: list[dict[str, Any]]) -> Iterator[str]:
    """Yield results of tools that the message before did not call."""
    called: set[str] = set()
    for number, message in enumerate(messages):
        blocks = message["content"] if isinstance(message["content"], list) else []
        for index, block in enumerate(blocks):
            tool_id = block.get("tool_use_id")
            if block.get("type") == "tool_result" and tool_id not in called:
                yield (
                    f"messages.{number}.content.{index}: unexpected `tool_use_id`"
                    f" found in `tool_result` blocks: {tool_id}. Each `tool_result`"
                    " block must have a corresponding `tool_use` block in the previous"
                    " message."
                )
        called = {b.get("id", "") for b in blocks if b.get("type") == "tool_use"}


def _output_problems(params: dict[str, Any], taken: Takes) -> Iterator[str]:
    """Check structured outputs and tools."""
    path, form = _format(params)
    if form and not taken.json_schema:
        yield f"{path}: structured outputs are not supported by this model"
    if form and (problem := schema_problem(form.get("schema"))):
        yield f"{path}.{problem}"
    tools = params.get("tools") or []
    if sum(bool(tool.get("strict")) for tool in tools) > _MAX_STRICT_TOOLS:
        yield f"tools: at most {_MAX_STRICT_TOOLS} tools may be strict"
    for number, tool in enumerate(tools):
        if not _TOOL_NAME.fullmatch(tool.get("name", "_")):
            pattern = "'^[a-zA-Z0-9_-]{1,128}$'"
            yield f"tools.{number}.custom.name: String should match pattern {pattern}"
        schema = tool.get("input_schema")
        if tool.get("strict") and (problem := schema_problem(schema)):
            yield f"tools.{number}.custom.input_{problem}"
    choice = params.get("tool_choice") or {}
    if choice.get("type") in _FORCING and not _chosen_tool(params):
        name = choice.get("name")
        yield f"tool_choice: Tool {name!r} not found in provided tools"


def _chat_messages(params: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the conversation in the form of the chat API."""
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
