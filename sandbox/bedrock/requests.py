"""Reads the body of a record as Bedrock does, and refuses what it refuses.

A judge of the client's check in `providers/bedrock/check.py`: they share no code.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import orjson

from ..answers.answer import Failure, Question, estimate_tokens

__all__ = ["is_claude", "read_request"]

_ROLES = {"user", "assistant"}
_BLOCKS = {"text", "image", "document", "video", "cachePoint", "guardContent"}
_MARK = "JSON Schema:"


def is_claude(model: str) -> bool:
    """Whether a model's own requests are those of Claude."""
    return "anthropic." in model


def read_request(body: Any, *, model: str, is_converse: bool) -> Question | Failure:
    """Return what a record asks for, or the error that it gets."""
    try:
        problems = _converse(body) if is_converse else _own(body, model)
        if problem := next(problems, None):
            return Failure(400, problem)
        config = body.get("inferenceConfig") or {} if is_converse else body
        system = body.get("system") or []
        texts = [system] if isinstance(system, str) else [b["text"] for b in system]
        messages = [
            {"role": each["role"], "content": _text(each["content"])}
            for each in body["messages"]
        ]
        if texts:
            messages.insert(0, {"role": "system", "content": "\n\n".join(texts)})
        return Question(
            model=model,
            messages=messages,
            schema=_schema_in(texts),
            max_tokens=config.get("maxTokens" if is_converse else "max_tokens"),
            input_tokens=estimate_tokens(orjson.dumps(body)),
            temperature=config.get("temperature"),
        )
    except (AttributeError, KeyError, TypeError, ValueError) as exc:
        return Failure(400, f"Malformed input request: {exc}")


def _converse(body: dict[str, Any]) -> Iterator[str]:
    """Yield problems; only the first one is reliable."""
    if "toolConfig" in body:
        yield "Tool use is not supported in batch inference."
    if not body.get("messages"):
        yield "The conversation must have a message."
    if body["messages"][0].get("role") != "user":
        yield "A conversation must start with a user message."
    yield from _messages(body["messages"])
    config = body.get("inferenceConfig") or {}
    if config.get("maxTokens", 1) < 1:
        yield "inferenceConfig.maxTokens must be at least 1."
    if not all(0 <= config.get(name, 0) <= 1 for name in ("temperature", "topP")):
        yield "inferenceConfig is out of range."


def _messages(messages: list[dict[str, Any]]) -> Iterator[str]:
    for number, message in enumerate(messages):
        if message.get("role") not in _ROLES:
            yield f"messages.{number}.role must be one of user, assistant."
        if not isinstance(message.get("content"), list) or not message["content"]:
            yield f"messages.{number}.content must be a list of content blocks."
        for block in message["content"]:
            if len(block) != 1 or not _BLOCKS & block.keys():
                yield f"messages.{number}.content has an unknown block: {[*block]}"


def _own(body: dict[str, Any], model: str) -> Iterator[str]:
    if not is_claude(model):
        yield f"The sandbox does not play {model} in its own form."
    for name in ("anthropic_version", "max_tokens", "messages"):
        if not body.get(name):
            yield f"{name}: Field required"
    if "tools" in body:
        yield "Tool use is not supported in batch inference."


def _text(content: Any) -> str:
    if isinstance(content, str):
        return content
    return "\n".join(block["text"] for block in content if "text" in block)


def _schema_in(texts: list[str]) -> dict[str, Any] | None:
    """Return the schema that a prompt asks for in words, as a model would see it."""
    _, mark, rest = "\n".join(texts).rpartition(_MARK)
    if not mark:
        return None
    try:
        schema, _ = json.JSONDecoder().raw_decode(rest.lstrip())
    except ValueError:
        return None
    return schema if isinstance(schema, dict) else None
