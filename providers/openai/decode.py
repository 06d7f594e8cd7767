"""Decodes the lines of OpenAI's output and error files.

A line that cannot be used becomes a result whose error says why, in the provider's
own words; nothing is raised.
"""

from __future__ import annotations

from array import array
from base64 import b64decode
from contextlib import suppress
from math import isfinite
from typing import Any

from ...models import BatchResult, Outcome, Usage
from ..lines import errored, load_result, unreadable, usage_of

__all__ = ["decode_line", "read_body"]

_MISSHAPEN = (AttributeError, LookupError, OverflowError, TypeError, ValueError)
_PASSING_STATUS = frozenset({0, 408, 409, 429})
_PASSING_CODES = frozenset(
    {"rate_limit_exceeded", "server_error", "server_overloaded", "timeout"}
    # `error_type` of OpenRouter
    | {"provider_overloaded", "provider_unavailable", "server"}
)


def decode_line(line: bytes) -> BatchResult:
    """Decode one line of an output or error file."""
    try:
        record, custom_id = load_result(line)
    except ValueError as exc:
        return unreadable(line, str(exc))
    response, error = record.get("response"), record.get("error")
    if type(response) is not dict:
        if "result" in record:
            return errored(custom_id, "This is another provider's result line.")
        return _not_run(custom_id, error)
    status, body = response.get("status_code"), response.get("body")
    if type(body) is str:  # some servers send JSON as text
        with suppress(ValueError):
            body, _ = load_result(body.encode())
    if status == 200 and type(body) is dict and not error:  # noqa: PLR2004 - HTTP
        return read_body(custom_id, body)
    return _failed(custom_id, status, body or response.get("message"), error)


def _not_run(custom_id: str | None, error: Any) -> BatchResult:
    if not error:
        text = "The provider sent neither a response nor an error."
        return errored(custom_id, text, retryable=True)
    code, text = _words(error)
    if code == "batch_expired":
        return BatchResult(custom_id, Outcome.EXPIRED, error=text, retryable=True)
    if code == "batch_cancelled":
        return BatchResult(custom_id, Outcome.CANCELLED, error=text)
    return errored(custom_id, text, retryable=code in _PASSING_CODES)


def _failed(custom_id: str | None, status: Any, body: Any, error: Any) -> BatchResult:
    inner = body
    if type(body) is dict:
        flat = body if body.keys() & {"detail", "message"} else None
        inner = body.get("error") or flat
    code, text = _words(inner or error or "no reason given")
    known = type(status) is int
    passing = known and (status in _PASSING_STATUS or status >= 500)  # noqa: PLR2004
    retryable = passing and code != "insufficient_quota"
    return errored(custom_id, f"{status} {text}", retryable=retryable)


def _words(error: Any) -> tuple[str | None, str]:
    """Return the code of an error, and code and message as one text."""
    if type(error) is not dict:
        return None, str(error)
    code = error.get("code") or error.get("error_type") or error.get("type")
    message = error.get("message") or error.get("detail")
    said = [str(word) for word in (code, message) if word]
    return code if type(code) is str else None, ": ".join(said) or str(error)


def read_body(custom_id: str | None, body: dict[str, Any]) -> BatchResult:
    """Return the result that the body of a successful response is."""
    result = BatchResult(custom_id, Outcome.SUCCEEDED)
    model = body.get("model")
    result.model = model if type(model) is str else None
    result.usage = _usage(body)
    try:
        if "choices" in body:
            _read_choice(result, body["choices"])
        elif "output" in body:
            _read_response(result, body)
        elif "data" in body:
            result.data = _vector(body["data"][0]["embedding"])
        else:
            kind = body.get("object") or "without a type"
            text = _words(body.get("error") or f"An answer of an unknown kind: {kind}.")
            _fail(result, Outcome.ERRORED, text[1])
    except _MISSHAPEN:
        _fail(result, Outcome.INVALID, "An answer of an unknown shape.")
    return result


def _vector(embedding: Any) -> Any:
    """Return the numbers of an embedding, also with `encoding_format="base64"`.

    Raises:
        OverflowError, TypeError, ValueError: It is no list of finite numbers.
    """
    if type(embedding) is str:
        embedding = memoryview(b64decode(embedding, validate=True)).cast("f").tolist()
    if type(embedding) is not list or not isfinite(sum(array("d", embedding))):
        raise TypeError
    return embedding


def _usage(body: dict[str, Any]) -> Usage | None:
    usage = body.get("usage")
    if type(usage) is not dict:
        return None
    if "prompt_tokens" in usage:
        names = "prompt_tokens", "completion_tokens", "prompt_tokens_details"
    else:
        names = "input_tokens", "output_tokens", "input_tokens_details"
    read, written, details = map(usage.get, names)
    if written is None and "data" in body:
        written = 0  # an embedding has no output, so Voyage gives one count alone
        read = usage.get("total_tokens") if read is None else read
    if details is None:
        return usage_of(read, written)
    if type(details) is not dict:
        return None
    cached, stored = details.get("cached_tokens"), details.get("cache_write_tokens")
    return usage_of(read, written, cached, stored)


def _fail(result: BatchResult, outcome: Outcome, error: str) -> None:
    result.outcome, result.error = outcome, error


def _read_choice(result: BatchResult, choices: list[dict[str, Any]]) -> None:
    if not choices:
        _fail(result, Outcome.INVALID, "The answer holds no choice.")
        return
    choice = next((each for each in choices if each.get("index") == 0), choices[0])
    message = choice.get("message")
    if message is None:
        result.text = choice["text"]
    else:
        calls, called = message.get("tool_calls"), message.get("function_call")
        if calls:
            called = calls[0]["function"]
        if called:
            _read_call(result, called)
        else:
            result.text = _text(message.get("content"))
        if refusal := message.get("refusal"):
            _fail(result, Outcome.REFUSED, str(refusal))
            return
    reason = choice.get("finish_reason")
    if reason in {"length", "model_length"}:
        text = f"The answer was cut at the token limit (finish_reason: {reason})."
        _fail(result, Outcome.TRUNCATED, text)
    elif reason == "content_filter":
        text = "The answer was withheld (finish_reason: content_filter)."
        _fail(result, Outcome.REFUSED, text)
    elif reason in {"abort", "error"}:
        _, text = _words(choice.get("error") or "no reason given")
        _fail(result, Outcome.ERRORED, f"finish_reason {reason}: {text}")
        result.retryable = True
    elif not result.text and result.data is None:
        _fail(
            result, Outcome.INVALID, f"The answer is empty (finish_reason: {reason})."
        )


def _read_call(result: BatchResult, call: dict[str, Any]) -> None:
    """Fill in a tool's arguments: JSON as text, from some servers decoded."""
    arguments = call["arguments"]
    if type(arguments) is str:
        result.text = arguments
    else:
        result.data = arguments


def _text(content: Any) -> str | None:
    if type(content) is list:
        return "".join(part["text"] for part in content if part.get("type") == "text")
    return content if content is None or type(content) is str else str(content)


def _read_response(result: BatchResult, body: dict[str, Any]) -> None:
    refusal = _read_output(result, body["output"] or [])
    status = body.get("status") or "completed"
    if status == "incomplete":
        reason = (body.get("incomplete_details") or {}).get("reason")
        cut = reason != "content_filter"
        outcome = Outcome.TRUNCATED if cut else Outcome.REFUSED
        _fail(result, outcome, f"The answer is incomplete (reason: {reason}).")
    elif status == "cancelled":
        _fail(result, Outcome.CANCELLED, "The response was cancelled.")
    elif status != "completed":
        code, text = _words(body.get("error") or "no reason given")
        _fail(result, Outcome.ERRORED, f"{status}: {text}")
        unfinished = status in {"in_progress", "queued"}
        result.retryable = unfinished or code in _PASSING_CODES
    elif refusal is not None:
        _fail(result, Outcome.REFUSED, str(refusal))
    elif not result.text and result.data is None:
        _fail(result, Outcome.INVALID, "The answer is empty.")


def _read_output(result: BatchResult, output: list[dict[str, Any]]) -> str | None:
    """Fill in the answer: the text after the last tool, or a function call.

    Returns:
        The model's words where it refused.
    """
    parts: list[dict[str, Any]] = []
    call, after_tool = None, False
    for item in output:
        kind = item.get("type")
        if kind == "message" and item.get("phase") != "commentary":
            parts = [*([] if after_tool else parts), *item["content"]]
            call, after_tool = None, False
        elif kind not in {"message", "reasoning"}:
            call = call or (item if kind == "function_call" else None)
            after_tool = True
    if call is not None:
        _read_call(result, call)
        return None
    texts = [part["text"] for part in parts if part.get("type") == "output_text"]
    result.text = "".join(texts) or None
    refusals = [part["refusal"] for part in parts if part.get("type") == "refusal"]
    return refusals[0] if refusals else None
