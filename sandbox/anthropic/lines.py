"""Result lines of Anthropic batches, and the file that holds them."""

from __future__ import annotations

import json
from typing import Any

import orjson

from ..answers.answer import (
    SYNTHETIC,
    Answer,
    AnswerSource,
    Failure,
    Question,
    safe_text,
    seeded,
)
from ..answers.spoil import spoil, spoil_line, spoil_usage
from ..engine.produce import Result
from ..engine.store import BatchRow
from ..faults import AnswerFault
from .envelopes import error_type
from .requests import read_request

__all__ = ["answer_line", "answer_message", "unrun_line"]

_STOPS = {
    "stop": "end_turn",
    "length": "max_tokens",
    "refusal": "refusal",
    "content_filter": "refusal",
}
_SNAPSHOTS = {
    "claude-3-7-sonnet-latest": "claude-3-7-sonnet-20250219",
    "claude-3-5-haiku-latest": "claude-3-5-haiku-20241022",
    "claude-opus-4-0": "claude-opus-4-20250514",
    "claude-sonnet-4-0": "claude-sonnet-4-20250514",
    "claude-opus-4-1": "claude-opus-4-1-20250805",
    "claude-sonnet-4-5": "claude-sonnet-4-5-20250929",
    "claude-haiku-4-5": "claude-haiku-4-5-20251001",
    "claude-opus-4-5": "claude-opus-4-5-20251101",
}
"""Dated names under which the API answers for a model's short name."""
_FAILED = {"null_response", "both_null", "status_zero", "failed"}
"""Kinds of faults with a form of their own at OpenAI, and here only an error."""


def answer_line(
    row: BatchRow,
    request: dict[str, Any],
    source: AnswerSource,
    fault: AnswerFault | None,
    seed: int,
) -> Result:
    """Return the result of one request."""
    custom_id = request["custom_id"]
    kind = fault.kind if fault else None
    if kind == "unknown_type":
        return _line(custom_id, {"type": "postponed"}), "errored", (0, 0)
    found = answer_message(row.id, request, source, fault, seed)
    if isinstance(found, Failure):
        return _line(custom_id, _errored(found)), "errored", (0, 0)
    message, tokens = found
    line = _line(custom_id, {"type": "succeeded", "message": message})
    return spoil_line(line, kind), "succeeded", tokens


def answer_message(
    batch_id: str,
    request: dict[str, Any],
    source: AnswerSource,
    fault: AnswerFault | None,
    seed: int,
) -> tuple[dict[str, Any], tuple[int, int]] | Failure:
    """Return the message that answers a request, and its tokens."""
    found = _answer(request, source, fault, seed)
    if isinstance(found, Failure):
        return found
    question, answer = found
    tag = f"{seeded(batch_id, request['custom_id']).getrandbits(64):016x}"
    message = _message(question, answer, tag)
    message["usage"] = spoil_usage(message["usage"], fault.kind if fault else None)
    thinking = request["params"].get("thinking") or {}
    is_thinking = thinking.get("type") in {"enabled", "adaptive"}
    if is_thinking and source is SYNTHETIC:
        text = "Synthetic thinking of the batchwright sandbox."
        block = {"type": "thinking", "thinking": text, "signature": f"sandbox{tag}"}
        message["content"].insert(0, block)
    return message, (answer.input_tokens, answer.output_tokens)


def _answer(
    request: dict[str, Any], source: AnswerSource, fault: AnswerFault | None, seed: int
) -> tuple[Question, Answer] | Failure:
    custom_id, params = request["custom_id"], request["params"]
    if fault and (fault.status or fault.kind in _FAILED):
        return Failure(fault.status or 500, fault.message or "A synthetic error.")
    question = read_request(params)
    if isinstance(question, Failure):
        return question
    # The answer depends on seed and request, its IDs on the batch.
    answer = source.answer(question, seeded(seed, custom_id, params))
    if isinstance(answer, Failure):
        return answer
    return question, spoil(answer, fault) if fault else answer


def unrun_line(_: BatchRow, custom_id: str, outcome: str) -> bytes:
    """Return the line of a request that did not run: `expired` or `cancelled`."""
    kind = "canceled" if outcome == "cancelled" else outcome
    return _line(custom_id, {"type": kind})


def _line(custom_id: str, result: dict[str, Any]) -> bytes:
    return orjson.dumps({"custom_id": custom_id, "result": result})


def _errored(failure: Failure) -> dict[str, Any]:
    inner = {
        "type": error_type(failure.status),
        "message": failure.message,
        "details": {"error_visibility": "user_facing"},
    }
    error = {"type": "error", "error": inner, "request_id": None}
    return {"type": "errored", "error": error}


def _message(question: Question, answer: Answer, tag: str) -> dict[str, Any]:
    content: list[dict[str, Any]] = []
    stop = _STOPS[answer.stop]
    count = 2 if answer.fault == "two_answers" else 1
    if question.tool and stop != "refusal":
        stop = "tool_use" if answer.stop == "stop" else stop
        content = [
            {
                "type": "tool_use",
                "id": f"toolu_sandbox_{tag}_{number}",
                "name": question.tool,
                "input": _input(answer.text),
                "caller": {"type": "direct"},
            }
            for number in range(count)
        ]
    elif answer.text:
        block = {"type": "text", "text": safe_text(answer.text), "citations": None}
        content = [block] * count
    details = None
    if stop == "refusal":
        details = {"type": "refusal", "category": None, "explanation": None}
    return {
        "id": f"msg_sandbox_{tag}",
        "type": "message",
        "role": "assistant",
        "model": _SNAPSHOTS.get(question.model, question.model),
        "content": content,
        "stop_reason": stop,
        "stop_sequence": None,
        "stop_details": details,
        "container": None,
        "usage": {
            "input_tokens": answer.input_tokens,
            "cache_creation_input_tokens": 0,
            "cache_read_input_tokens": 0,
            "cache_creation": {
                "ephemeral_5m_input_tokens": 0,
                "ephemeral_1h_input_tokens": 0,
            },
            "output_tokens": answer.output_tokens,
            "output_tokens_details": None,
            "server_tool_use": None,
            "inference_geo": None,
            "service_tier": "batch",
        },
    }


def _input(text: str) -> Any:
    """Return a tool's input, which this API sends as an object."""
    try:
        json.loads(text, strict=False)
    except ValueError:
        return {}
    return orjson.Fragment(text)
