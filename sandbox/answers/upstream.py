"""Answers that come from an OpenAI-compatible chat API, such as a local model's."""

from __future__ import annotations

import random
from typing import Any
from urllib.parse import urldefrag, urlsplit

import httpx2

from ...errors import InputError
from .answers import Ask, Asked, Failure, Said, tokens_of

__all__ = ["ask_upstream"]

_AT_ONCE = 8
"""Calls under way, over all batches: what a local server can use at most."""
_TIMEOUT_SECONDS = 600


def ask_upstream(url: str) -> Ask:
    """Return who asks the API at `url`, the part before `/chat/completions`.

    `url#MODEL` asks for that model whatever the requests name.

    Raises:
        InputError: It is no HTTP address.
    """
    base, model = urldefrag(url)
    parts = urlsplit(base)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise InputError(
            f"Upstream {url!r} is no HTTP address: it must look like"
            " http://localhost:11434/v1."
        )
    client = httpx2.Client(
        timeout=httpx2.Timeout(_TIMEOUT_SECONDS, connect=5, pool=None),
        limits=httpx2.Limits(max_connections=_AT_ONCE),
        trust_env=False,
    )
    address = base.rstrip("/") + "/chat/completions"

    def say(asked: Asked, dice: random.Random) -> Said | Failure:
        del dice
        try:
            answer = client.post(address, json=_body(asked, model or asked.model))
        except httpx2.TimeoutException:
            return Failure(504, f"The upstream {base} did not answer in time.")
        except httpx2.TransportError as exc:
            return Failure(503, f"The upstream {base} could not be reached: {exc}")
        return _read(answer, asked)

    return Ask(say, _AT_ONCE)


def _body(asked: Asked, model: str) -> dict[str, Any]:
    body: dict[str, Any] = {"model": model, "messages": asked.messages}
    if asked.max_tokens is not None:
        body["max_tokens"] = asked.max_tokens
    if asked.temperature is not None:
        body["temperature"] = asked.temperature
    if asked.schema is not None:
        form = {"name": asked.tool or "answer", "schema": asked.schema, "strict": True}
        body["response_format"] = {"type": "json_schema", "json_schema": form}
    return body


def _read(answer: httpx2.Response, asked: Asked) -> Said | Failure:
    try:
        content = answer.json()
        if answer.is_error:
            return Failure(answer.status_code, _message(content))
        choice = content["choices"][0]
        message = choice["message"]
        usage = content.get("usage") or {}
    except (ValueError, LookupError, TypeError, AttributeError):
        status = answer.status_code if answer.is_error else 502
        return Failure(
            status, f"The upstream answered {answer.status_code} without JSON."
        )
    text = message.get("content") or message.get("refusal") or ""
    stop = "stop"
    if message.get("refusal"):
        stop = "refusal"
    elif choice.get("finish_reason") in {"length", "content_filter"}:
        stop = choice["finish_reason"]
    return Said(
        text,
        stop,  # type: ignore[arg-type]  # one of the words above
        usage.get("prompt_tokens") or asked.input_tokens,
        usage.get("completion_tokens") or tokens_of(text),
    )


def _message(content: Any) -> str:
    """Find the sentence in an error body; the servers differ."""
    error = content.get("error", content)
    if isinstance(error, dict):
        return str(error.get("message", error))
    return str(error)
