"""Decodes Bedrock's result lines: Converse's answers, and those of models' own forms.

A line that cannot be used becomes a result whose error says why, in the provider's
own words; nothing is raised.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from ...models import BatchResult, Outcome, Usage
from ..anthropic.decode import read_message
from ..lines import errored, load_result, unreadable, usage_of
from ..openai.decode import read_body

__all__ = ["REFUSALS", "SCHEMA_ASKED", "decode_line", "unfenced"]

SCHEMA_ASKED = (
    "Answer with one JSON object and nothing else, without a code fence. The object"
    " must be valid for this JSON Schema:"
)
"""How a schema is asked for; a result line repeats it with its request."""

REFUSALS = frozenset({"content_filtered", "guardrail_intervened", "refusal"})
_CUT = frozenset({"max_tokens", "model_context_window_exceeded", "LENGTH", "length"})
_FENCE = re.compile(r"\s*```(?:json)?\s*\n(.*)\n\s*```\s*", re.DOTALL)
_PASSING_STATUS = frozenset({408, 424, 429})
_PASSING = re.compile(
    "throttl|timeout|timed out|internal|unavailable|too many", re.IGNORECASE
)
_MISSHAPEN = (AttributeError, LookupError, TypeError, ValueError)


def decode_line(line: bytes) -> BatchResult:
    """Decode one result line."""
    try:
        record, record_id = load_result(line, "recordId")
    except ValueError as exc:
        return unreadable(line, str(exc), "recordId")
    error, output = record.get("error"), record.get("modelOutput")
    if error:
        return _failed(record_id, error)
    if type(output) is not dict:
        return errored(record_id, "This line has no answer of Bedrock's and no error.")
    result = _answer(record_id, output)
    if result.text and SCHEMA_ASKED.encode() in line:
        result.text = unfenced(result.text)
    return result


def unfenced(text: str) -> str:
    """Return JSON without the code fence that a model may write around it."""
    found = _FENCE.fullmatch(text) if "```" in text else None
    return found[1] if found else text


def _failed(record_id: str | None, error: Any) -> BatchResult:
    if type(error) is not dict:
        return errored(record_id, str(error))
    code, message = error.get("errorCode"), error.get("errorMessage")
    text = ": ".join(str(word) for word in (code, message) if word)
    if type(code) is int:
        passing = code in _PASSING_STATUS or code >= 500  # noqa: PLR2004 - HTTP
    else:
        passing = bool(_PASSING.search(text))
    return errored(record_id, text or "no reason given", retryable=passing)


def _answer(record_id: str | None, output: dict[str, Any]) -> BatchResult:
    for member, read in _FORMS.items():
        if member in output:
            try:
                return read(record_id, output)
            except _MISSHAPEN:
                text = "An answer of an unknown shape."
            except RecursionError:
                text = "The answer is nested too deeply."
            return BatchResult(record_id, Outcome.INVALID, error=text)
    text = "An answer of a form that is not known; the line has it."
    return BatchResult(record_id, Outcome.INVALID, error=text)


def _converse(record_id: str | None, output: dict[str, Any]) -> BatchResult:
    blocks = output["output"]["message"]["content"]
    text = "".join(block["text"] for block in blocks if "text" in block)
    return _judged(record_id, text, output.get("stopReason"), _usage(output))


def _usage(output: dict[str, Any]) -> Usage | None:
    usage = output.get("usage")
    if type(usage) is not dict:
        return None
    fresh: Any = usage.get("inputTokens")
    cached: Any = usage.get("cacheReadInputTokens")
    stored: Any = usage.get("cacheWriteInputTokens")
    cached, stored = (0 if count is None else count for count in (cached, stored))
    if {type(fresh), type(cached), type(stored)} != {int}:
        return None
    return usage_of(fresh + cached + stored, usage.get("outputTokens"), cached, stored)


def _titan(record_id: str | None, output: dict[str, Any]) -> BatchResult:
    (found,) = output["results"]
    usage = usage_of(output.get("inputTextTokenCount"), found.get("tokenCount"))
    reason = str(found.get("completionReason"))
    return _judged(record_id, found["outputText"], reason, usage)


def _llama(record_id: str | None, output: dict[str, Any]) -> BatchResult:
    counts = map(output.get, ("prompt_token_count", "generation_token_count"))
    reason, usage = output.get("stop_reason"), usage_of(*counts)
    return _judged(record_id, output["generation"], reason, usage)


def _embedding(record_id: str | None, output: dict[str, Any]) -> BatchResult:
    tokens = output.get("inputTextTokenCount")
    usage = {"prompt_tokens": tokens, "completion_tokens": 0}
    return read_body(record_id, {"data": [output], "usage": usage})


_FORMS: dict[str, Callable[[str | None, dict[str, Any]], BatchResult]] = {
    "output": _converse,  # Nova's own form as well
    "choices": read_body,
    "content": read_message,
    "results": _titan,
    "generation": _llama,
    "embedding": _embedding,
}
"""By a member that only answers of this form have; Claude's are its messages."""


def _judged(
    record_id: str | None, text: Any, reason: Any, usage: Usage | None
) -> BatchResult:
    if type(text) is not str:
        raise TypeError
    result = BatchResult(record_id, Outcome.SUCCEEDED, text or None, usage=usage)
    if type(reason) is str and reason in REFUSALS:
        result.outcome = Outcome.REFUSED
        result.error = text or f"The answer was withheld (stopReason: {reason})."
    elif type(reason) is str and reason in _CUT:
        result.outcome = Outcome.TRUNCATED
        result.error = f"The answer was cut (stopReason: {reason})."
    elif not text:
        result.outcome = Outcome.INVALID
        result.error = f"The answer is empty (stopReason: {reason})."
    return result
