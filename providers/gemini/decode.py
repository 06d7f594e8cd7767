"""Decodes Gemini's result lines.

A line that cannot be used becomes a result whose error says why, in the provider's
own words; nothing is raised.
"""

from __future__ import annotations

from math import isfinite
from typing import Any

import msgspec

from ...models import BatchResult, Outcome, Usage
from ..lines import errored, load_result, unreadable, usage_of

__all__ = ["REFUSALS", "decode_line"]

_WITHHELD = """
    SAFETY RECITATION LANGUAGE BLOCKLIST PROHIBITED_CONTENT SPII MODEL_ARMOR
    IMAGE_SAFETY IMAGE_PROHIBITED_CONTENT IMAGE_RECITATION
    """
REFUSALS = frozenset(_WITHHELD.split())
"""`finishReason` of an answer that was withheld."""

_PASSING = frozenset({"OTHER", "IMAGE_OTHER", "MALFORMED_RESPONSE"})
"""`finishReason` where the same request may well be answered another time."""
_CANCELLED, _LATE = frozenset({1, 499}), frozenset({4})
"""Codes of gRPC and of HTTP; which of them a line has is said nowhere."""
_PASSING_CODES = frozenset({2, 8, 10, 13, 14, 408, 409, 429})


def decode_line(line: bytes) -> BatchResult:
    """Decode one result line."""
    try:
        record, custom_id = load_result(line, "key")
    except ValueError as exc:
        return unreadable(line, str(exc), "key")
    response = record.get("response")
    error = record.get("error") or record.get("status")
    if type(response) is dict and not error:
        return _answer(custom_id, response)
    if not error:
        text = "This line has no answer of Gemini's and no error."
        return errored(custom_id, text)
    return _failed(custom_id, error)


def _failed(custom_id: str | None, error: Any) -> BatchResult:
    if type(error) is not dict:
        return errored(custom_id, str(error))
    code = error.get("code")
    code = code if type(code) is int else None
    said = [str(word) for word in (error.get("status"), error.get("message")) if word]
    text = ": ".join(said) or f"code {code} without a message"
    if code in _CANCELLED:
        return BatchResult(custom_id, Outcome.CANCELLED, error=text)
    if code in _LATE:
        return BatchResult(custom_id, Outcome.EXPIRED, error=text, retryable=True)
    passing = code in _PASSING_CODES or (code is not None and code >= 500)  # noqa: PLR2004
    return errored(custom_id, text, retryable=passing)


def _answer(custom_id: str | None, response: dict[str, Any]) -> BatchResult:
    result = BatchResult(custom_id, Outcome.SUCCEEDED)
    model = response.get("modelVersion")
    result.model = model if type(model) is str else None
    usage = response.get("usageMetadata")
    result.usage = _usage(usage) if type(usage) is dict else None
    try:
        if "embedding" in response:
            result.data = _vector(response["embedding"]["values"])
        else:
            _read_candidate(result, response)
    except (AttributeError, LookupError, OverflowError, TypeError, ValueError):
        _fail(result, Outcome.INVALID, "An answer of an unknown shape.")
    except RecursionError:
        _fail(result, Outcome.INVALID, "The answer is nested too deeply.")
    return result


def _usage(usage: dict[str, Any]) -> Usage | None:
    """Return the tokens; those of thinking are billed as output.

    JSON of the API leaves out counts that are zero.
    """
    read: Any = usage.get("promptTokenCount")
    tools: Any = usage.get("toolUsePromptTokenCount", 0)
    thought: Any = usage.get("thoughtsTokenCount", 0)
    total, written = usage.get("totalTokenCount"), usage.get("candidatesTokenCount")
    if not {type(read), type(tools), type(thought)} <= {int}:
        return None
    if written is None and type(total) is int:
        written = total - read - tools - thought
    if type(written) is not int or min(tools, thought, written) < 0:
        return None
    cached = usage.get("cachedContentTokenCount")
    return usage_of(read + tools, written + thought, cached)


def _vector(values: Any) -> list[float]:
    if type(values) is not list or not isfinite(sum(values)):
        raise TypeError
    return values


def _fail(result: BatchResult, outcome: Outcome, error: str) -> None:
    result.outcome, result.error = outcome, error


def _read_candidate(result: BatchResult, response: dict[str, Any]) -> None:
    candidates = response.get("candidates")
    if not candidates:
        feedback = response.get("promptFeedback") or {}
        if reason := feedback.get("blockReason"):
            said = feedback.get("blockReasonMessage")
            text = f"The prompt was blocked (blockReason: {reason})"
            _fail(result, Outcome.REFUSED, f"{text}: {said}" if said else f"{text}.")
        else:
            _fail(result, Outcome.INVALID, "The answer holds no candidate.")
        return
    candidate = candidates[0]
    result.text = _text((candidate.get("content") or {}).get("parts") or ())
    reason = candidate.get("finishReason")
    said = candidate.get("finishMessage")
    text = f"(finishReason: {reason})" + (f": {said}" if said else ".")
    if reason == "MAX_TOKENS":
        _fail(result, Outcome.TRUNCATED, f"The answer was cut {text}")
    elif reason in REFUSALS:
        _fail(result, Outcome.REFUSED, f"The answer was withheld {text}")
    elif reason in _PASSING:
        _fail(result, Outcome.ERRORED, f"The answer broke off {text}")
        result.retryable = True
    elif reason not in {"STOP", "FINISH_REASON_UNSPECIFIED", None}:
        _fail(result, Outcome.INVALID, f"The answer did not end well {text}")
    elif not result.text:
        _fail(result, Outcome.INVALID, f"The answer is empty {text}")


def _text(parts: Any) -> str | None:
    """Return a function's arguments as JSON, else the text less the thoughts."""
    texts = []
    for part in parts:
        if "functionCall" in part:
            arguments = part["functionCall"].get("args") or {}
            return msgspec.json.encode(arguments).decode()
        if not part.get("thought"):
            texts.append(part.get("text", ""))
    return "".join(texts) or None
