"""Result lines of OpenAI batches: one answer in the shape of each endpoint."""

from __future__ import annotations

import random
from typing import Any

import orjson

from ..answers.answers import Asked, Failure, Say, dice_of, spoil, synthetic
from ..faults import AnswerFault
from .ask import read_request
from .plain import PLAIN
from .shapes import SHAPES

__all__ = ["answer_line", "leftover_line"]

_TYPES = {
    401: "authentication_error",
    403: "permission_error",
    429: "rate_limit_error",
}
_MESSAGES = {
    429: "Rate limit reached. (synthetic)",
    500: "The server had an error while processing your request. (synthetic)",
    503: "The engine is currently overloaded. (synthetic)",
}

_ODD: dict[str | None, tuple[Any, Any]] = {
    "null_response": (None, {"code": "server_error", "message": "A synthetic error."}),
    "both_null": (None, None),
    "status_zero": ({"status_code": 0, "request_id": "", "body": None}, None),
}

Usage = tuple[int, int]
"""Input and output tokens."""


def answer_line(
    request: dict[str, Any],
    endpoint: str,
    seed: int,
    say: Say,
    fault: AnswerFault | None,
    now: float,
) -> tuple[bytes, str, Usage]:
    """Return a request's result line, what became of it, and its usage."""
    custom_id, body = request["custom_id"], request["body"]
    dice = dice_of(seed, custom_id, body)
    tag = f"{dice.getrandbits(64):016x}"
    kind = fault.kind if fault else None
    if kind in {"expired", "cancelled"}:
        return leftover_line(custom_id, str(kind)), str(kind), (0, 0)
    if kind in _ODD:
        response, error = _ODD[kind]
        return _dump(tag, custom_id, response, error), "errored", (0, 0)
    content, usage = _content(request, endpoint, say, fault, dice, (tag, int(now)))
    if isinstance(content, Failure):
        line = _dump(tag, custom_id, _failed(tag, content), None)
        return line, "errored", (0, 0)
    response = {"status_code": 200, "request_id": tag, "body": content}
    line = _dump(tag, custom_id, response, None)
    if kind == "control_characters":
        line = line.replace(b"\\u0001", b"\x01")
    return line, "succeeded", usage


def _content(
    request: dict[str, Any],
    endpoint: str,
    say: Say,
    fault: AnswerFault | None,
    dice: random.Random,
    stamp: tuple[str, int],
) -> tuple[dict[str, Any] | Failure, Usage]:
    if fault and fault.status:
        message = fault.message or _MESSAGES.get(fault.status, "A synthetic error.")
        return Failure(fault.status, message), (0, 0)
    asked = _read(endpoint, request)
    if isinstance(asked, Failure):
        return asked, (0, 0)
    if endpoint in PLAIN:
        if say is not synthetic:
            text = f"The sandbox's upstream answers chat requests, not {endpoint}."
            return Failure(400, text), (0, 0)
        return PLAIN[endpoint](asked, request["body"], dice)
    said = say(asked, dice)
    if isinstance(said, Failure):
        return said, (0, 0)
    if fault:
        said = spoil(said, fault)
    content = SHAPES[endpoint](asked, said, request["body"], *stamp)
    return content, (said.input_tokens, said.output_tokens)


def _read(endpoint: str, request: dict[str, Any]) -> Asked | Failure:
    """Read a request; one whose members have unexpected types is refused."""
    try:
        return read_request(endpoint, request["custom_id"], request["body"])
    except (AttributeError, KeyError, TypeError, ValueError) as exc:
        return Failure(400, f"Invalid type in the request body: {exc}.")


def leftover_line(custom_id: str, why: str) -> bytes:
    """Return the line of a request that never ran: `expired` or `cancelled`."""
    message = "This request was not executed because the batch was cancelled."
    if why == "expired":
        message = "This request could not be executed before the batch expired."
    tag = f"{dice_of(custom_id, why).getrandbits(64):016x}"
    return _dump(tag, custom_id, None, {"code": f"batch_{why}", "message": message})


def _failed(tag: str, failure: Failure) -> dict[str, Any]:
    kind = "server_error" if failure.status >= 500 else "invalid_request_error"  # noqa: PLR2004
    error = {
        "message": failure.message,
        "type": _TYPES.get(failure.status, kind),
        "param": failure.param,
        "code": failure.code,
    }
    body = {"error": error}
    return {"status_code": failure.status, "request_id": tag, "body": body}


def _dump(tag: str, custom_id: str, response: Any, error: Any) -> bytes:
    return orjson.dumps(
        {
            "id": f"batch_req_sandbox_{tag}",
            "custom_id": custom_id,
            "response": response,
            "error": error,
        }
    )
