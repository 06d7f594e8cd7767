"""Decodes Anthropic's result lines.

A line that cannot be used becomes a result whose error says why, in the provider's
own words; nothing is raised.
"""

from __future__ import annotations

from typing import Any

import msgspec

from ...models import BatchResult, Outcome, Usage
from ..lines import errored, load_result, unreadable, usage_of

__all__ = ["decode_line", "read_message"]

_LASTING = frozenset(
    {
        "authentication_error",
        "billing_error",
        "invalid_request_error",
        "not_found_error",
        "permission_error",
        "request_too_large",
    }
)
_CUT = frozenset({"max_tokens", "model_context_window_exceeded", "pause_turn"})


def decode_line(line: bytes) -> BatchResult:
    """Decode one result line."""
    try:
        record, custom_id = load_result(line)
    except ValueError as exc:
        return unreadable(line, str(exc))
    result = record.get("result")
    if type(result) is not dict:
        return errored(custom_id, "This line has no result of Anthropic's.")
    return _read_result(custom_id, result)


def _read_result(custom_id: str | None, result: dict[str, Any]) -> BatchResult:
    kind = result.get("type")
    if kind == "succeeded" and type(result.get("message")) is dict:
        return read_message(custom_id, result["message"])
    if kind == "errored":
        return _failed(custom_id, result.get("error"))
    if kind == "expired":
        text = "The batch expired before this request ran."
        return BatchResult(custom_id, Outcome.EXPIRED, error=text, retryable=True)
    if kind == "canceled":
        text = "The batch was cancelled before this request ran."
        return BatchResult(custom_id, Outcome.CANCELLED, error=text)
    return errored(custom_id, f"A result of an unknown type: {kind}.")


def _failed(custom_id: str | None, error: Any) -> BatchResult:
    while type(error) is dict and type(error.get("error")) is dict:
        error = error["error"]
    if type(error) is not dict:
        return errored(custom_id, str(error or "no reason given"), retryable=True)
    kind = error.get("type")
    lasting = type(kind) is str and kind in _LASTING
    details = error.get("details")
    stopped = type(details) is dict and "error_code" in details
    said = [str(word) for word in (kind, error.get("message")) if word]
    text = ": ".join(said) or "no reason given"
    return errored(custom_id, text, retryable=not (lasting or stopped))


def read_message(custom_id: str | None, message: dict[str, Any]) -> BatchResult:
    """Return the result that a message is."""
    result = BatchResult(custom_id, Outcome.SUCCEEDED)
    model = message.get("model")
    result.model = model if type(model) is str else None
    usage = message.get("usage")
    result.usage = _usage(usage) if type(usage) is dict else None
    try:
        result.text = _text(message.get("content") or ())
        _judge(result, message)
    except (AttributeError, KeyError, TypeError):
        result.outcome = Outcome.INVALID
        result.error = "An answer of an unknown shape."
    except RecursionError:
        result.outcome = Outcome.INVALID
        result.error = "The answer is nested too deeply."
    return result


def _usage(usage: dict[str, Any]) -> Usage | None:
    fresh: Any = usage.get("input_tokens")
    cached: Any = usage.get("cache_read_input_tokens")
    stored: Any = usage.get("cache_creation_input_tokens")
    cached = 0 if cached is None else cached
    stored = 0 if stored is None else stored
    if {type(fresh), type(cached), type(stored)} != {int}:
        return None
    read = fresh + cached + stored
    written = usage.get("cache_creation")
    hour = written.get("ephemeral_1h_input_tokens") if type(written) is dict else None
    return usage_of(read, usage.get("output_tokens"), cached, stored, hour)


def _text(content: Any) -> str | None:
    """Return a tool's input as JSON, else the text after the last server tool."""
    if type(content) is str:
        return content
    texts: list[str] = []
    after_tool = False
    for block in content:
        kind = block["type"]
        if kind == "tool_use":
            return msgspec.json.encode(block["input"]).decode()
        if kind == "text":
            texts = [*([] if after_tool else texts), block["text"]]
            after_tool = False
        elif "tool" in kind:
            after_tool = True
    return "".join(texts) or None


def _judge(result: BatchResult, message: dict[str, Any]) -> None:
    reason = message.get("stop_reason")
    if reason == "refusal":
        details = message.get("stop_details")
        details = details if type(details) is dict else {}
        said = details.get("explanation") or result.text or details.get("category")
        result.outcome = Outcome.REFUSED
        result.error = (
            str(said) if said else "The model refused (stop_reason: refusal)."
        )
    elif reason in _CUT:
        result.outcome = Outcome.TRUNCATED
        result.error = f"The answer was cut (stop_reason: {reason})."
    elif not result.text:
        result.outcome = Outcome.INVALID
        result.error = f"The answer is empty (stop_reason: {reason})."
