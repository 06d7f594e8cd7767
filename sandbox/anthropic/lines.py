"""Requests and result lines of Anthropic batches."""

from __future__ import annotations

import json
from typing import Any

import orjson

from ..answers.answers import Asked, Failure, Said, Say, dice_of, spoil
from ..faults import AnswerFault
from ..openai.shapes import quoted
from .ask import read_request

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

Usage = tuple[int, int]
"""Input and output tokens."""


def answer_line(  # noqa: PLR0911 - one per fate
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
    line = _line(custom_id, {"type": "succeeded", "message": _message(asked, said)})
    if kind == "control_characters":
        line = line.replace(b"\\u0001", b"\x01")
    return line, "succeeded", (said.input_tokens, said.output_tokens)


def _read(custom_id: str, params: dict[str, Any]) -> Asked | Failure:
    """Read a request; one whose members have unexpected types is refused."""
    try:
        return read_request(custom_id, params)
    except (AttributeError, KeyError, TypeError, ValueError) as exc:
        return Failure(400, f"params: Input has an unexpected type: {exc}")


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


def _message(asked: Asked, said: Said) -> dict[str, Any]:
    text = said.text
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
            for number in range(2 if said.kind == "two_answers" else 1)
        ]
    elif text:
        content = [{"type": "text", "text": quoted(text)}]
        content *= 2 if said.kind == "two_answers" else 1
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
