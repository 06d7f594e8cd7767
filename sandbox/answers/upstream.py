"""Answers from an OpenAI-compatible chat API, such as that of a local model."""

from __future__ import annotations

import random
from typing import Any
from urllib.parse import urldefrag, urlsplit

import httpx2

from ...errors import InputError
from .answer import Answer, AnswerSource, Failure, Question, estimate_tokens

__all__ = ["upstream_source"]

_CONCURRENCY = 8
"""Open calls, over all batches: as many as a local server can use."""
_TIMEOUT_SECONDS = 600


def upstream_source(url: str) -> AnswerSource:
    """Return a source that calls the API at `url`, the part before `/chat/completions`.

    With `url#MODEL`, every call is for that model, whichever a request names.

    Raises:
        InputError: The URL is not an HTTP address.
    """
    base, model = urldefrag(url)
    parts = urlsplit(base)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise InputError(
            f"Upstream {url!r} is not an HTTP address; it must look like"
            " http://localhost:11434/v1."
        )
    client = httpx2.Client(
        timeout=httpx2.Timeout(_TIMEOUT_SECONDS, connect=5, pool=None),
        limits=httpx2.Limits(max_connections=_CONCURRENCY),
        trust_env=False,
    )
    address = base.rstrip("/") + "/chat/completions"

    def answer(question: Question, _: random.Random) -> Answer | Failure:
        try:
            response = client.post(
                address, json=_body(question, model or question.model)
            )
        except httpx2.TimeoutException:
            return Failure(504, f"The upstream {base} did not answer in time.")
        except httpx2.TransportError as exc:
            return Failure(503, f"The upstream {base} could not be reached: {exc}")
        return _read(response, question)

    return AnswerSource(answer, _CONCURRENCY, "upstream")


def _body(question: Question, model: str) -> dict[str, Any]:
    body: dict[str, Any] = {"model": model, "messages": question.messages}
    if question.max_tokens is not None:
        body["max_tokens"] = question.max_tokens
    if question.temperature is not None:
        body["temperature"] = question.temperature
    if question.schema is not None:
        name = question.tool or "answer"
        form = {"name": name, "schema": question.schema, "strict": True}
        body["response_format"] = {"type": "json_schema", "json_schema": form}
    return body


def _read(response: httpx2.Response, question: Question) -> Answer | Failure:
    try:
        content = response.json()
        if response.is_error:
            return Failure(response.status_code, _message(content))
        choice = content["choices"][0]
        message = choice["message"]
        usage = content.get("usage") or {}
    except (ValueError, LookupError, TypeError, AttributeError):
        status = response.status_code if response.is_error else 502
        text = f"The upstream answered {response.status_code} without JSON."
        return Failure(status, text)
    text = message.get("content") or message.get("refusal") or ""
    stop = "stop"
    if message.get("refusal"):
        stop = "refusal"
    elif choice.get("finish_reason") in {"length", "content_filter"}:
        stop = choice["finish_reason"]
    return Answer(
        text,
        stop,  # type: ignore[arg-type]  # one of the words above
        usage.get("prompt_tokens") or question.input_tokens,
        usage.get("completion_tokens") or estimate_tokens(text),
    )


def _message(content: Any) -> str:
    """Return the sentence in an error body; servers differ in where they put it."""
    error = content.get("error", content)
    if isinstance(error, dict):
        return str(error.get("message", error))
    return str(error)
