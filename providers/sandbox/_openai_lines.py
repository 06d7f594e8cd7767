"""Result lines of OpenAI batches: one answer in the shape of each endpoint."""

from __future__ import annotations

import json
import secrets
from typing import Any

import orjson

from ._openai_ask import read_request
from ._say import Asked, Failure, Said, Say, dice_of, spoil
from .faults import AnswerFault

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
_PIXEL = (
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9"
    "awAAAABJRU5ErkJggg=="
)
_DIMENSIONS = 1536

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
    kind = fault.kind if fault else None
    if kind in {"expired", "cancelled"}:
        return leftover_line(custom_id, str(kind)), str(kind), (0, 0)
    if kind in {"null_response", "both_null", "status_zero"}:
        return _odd_line(custom_id, str(kind)), "errored", (0, 0)
    if fault and fault.status:
        message = fault.message or _MESSAGES.get(fault.status, "A synthetic error.")
        return _failed(custom_id, Failure(fault.status, message)), "errored", (0, 0)
    asked = read_request(endpoint, custom_id, body)
    if isinstance(asked, Failure):
        return _failed(custom_id, asked), "errored", (0, 0)
    dice = dice_of(seed, custom_id, body)
    if endpoint in _PLAIN:
        content, usage = _PLAIN[endpoint](asked, body, dice)
        return _line(custom_id, 200, content), "succeeded", usage
    said = say(asked, dice)
    if isinstance(said, Failure):
        return _failed(custom_id, said), "errored", (0, 0)
    if fault:
        said = spoil(said, fault)
    shape = _response if endpoint == "/v1/responses" else _chat
    if endpoint == "/v1/completions":
        shape = _completion
    content = shape(asked, said, body, kind, int(now))
    line = _line(custom_id, 200, content)
    if kind == "control_characters":
        line = line.replace(b"\\u0001", b"\x01")
    return line, "succeeded", (said.input_tokens, said.output_tokens)


def leftover_line(custom_id: str | None, why: str) -> bytes:
    """Return the line of a request that never ran: `expired` or `cancelled`."""
    word = "window expired" if why == "expired" else "was cancelled"
    return _dump(
        custom_id,
        None,
        {
            "code": f"batch_{why}",
            "message": f"This request could not be executed before the batch {word}."
            if why == "expired"
            else "This request was not executed because the batch was cancelled.",
        },
    )


def _odd_line(custom_id: str, kind: str) -> bytes:
    if kind == "null_response":
        error = {"code": "server_error", "message": "A synthetic error."}
        return _dump(custom_id, None, error)
    if kind == "both_null":
        return _dump(custom_id, None, None)
    return _line(custom_id, 0, None)


def _failed(custom_id: str, failure: Failure) -> bytes:
    kind = "server_error" if failure.status >= 500 else "invalid_request_error"  # noqa: PLR2004
    error = {
        "message": failure.message,
        "type": _TYPES.get(failure.status, kind),
        "param": failure.param,
        "code": failure.code,
    }
    return _line(custom_id, failure.status, {"error": error})


def _line(custom_id: str, status: int, body: Any) -> bytes:
    response = {"status_code": status, "request_id": _hex(16), "body": body}
    return _dump(custom_id, response, None)


def _dump(custom_id: str | None, response: Any, error: Any) -> bytes:
    return orjson.dumps(
        {
            "id": f"batch_req_sandbox_{_hex(12)}",
            "custom_id": custom_id,
            "response": response,
            "error": error,
        }
    )


def _hex(count: int) -> str:
    return secrets.token_hex(count)


def _quoted(text: str) -> Any:
    """Return text for orjson, which refuses a surrogate without its partner."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return orjson.Fragment(json.dumps(text))
    return text


def _chat(
    asked: Asked, said: Said, body: dict[str, Any], kind: str | None, now: int
) -> dict[str, Any]:
    text = said.text + ("\x01" if kind == "control_characters" else "")
    message: dict[str, Any] = {
        "role": "assistant",
        "content": _quoted(text),
        "refusal": None,
        "annotations": [],
    }
    if said.stop == "refusal":
        message |= {"content": None, "refusal": text}
    elif asked.tool and said.stop != "content_filter":
        calls = [
            {
                "id": f"call_sandbox_{_hex(6)}",
                "type": "function",
                "function": {"name": asked.tool, "arguments": _quoted(text)},
            }
            for _ in range(2 if kind == "two_answers" else 1)
        ]
        message |= {"content": None, "tool_calls": calls}
    finish = {"refusal": "stop"}.get(said.stop, said.stop)
    count = int(body.get("n") or 1)
    if kind == "two_answers" and not asked.tool:
        count = 2
    return {
        "id": f"chatcmpl-sandbox-{_hex(8)}",
        "object": "chat.completion",
        "created": now,
        "model": asked.model,
        "choices": [
            {
                "index": index,
                "message": message,
                "logprobs": None,
                "finish_reason": finish,
            }
            for index in range(count)
        ],
        "usage": {
            "prompt_tokens": said.input_tokens,
            "completion_tokens": said.output_tokens,
            "total_tokens": said.input_tokens + said.output_tokens,
            "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 0},
            "completion_tokens_details": {
                "reasoning_tokens": 0,
                "audio_tokens": 0,
                "accepted_prediction_tokens": 0,
                "rejected_prediction_tokens": 0,
            },
        },
        "service_tier": "default",
        "system_fingerprint": None,
    }


def _completion(
    asked: Asked, said: Said, body: dict[str, Any], kind: str | None, now: int
) -> dict[str, Any]:
    chat = _chat(asked, said, body, kind, now)
    choices = [
        {
            "index": choice["index"],
            "text": _quoted(said.text),
            "logprobs": None,
            "finish_reason": choice["finish_reason"],
        }
        for choice in chat["choices"]
    ]
    return {
        "id": f"cmpl-sandbox-{_hex(8)}",
        "object": "text_completion",
        "created": now,
        "model": asked.model,
        "choices": choices,
        "usage": chat["usage"],
    }


def _response(
    asked: Asked, said: Said, body: dict[str, Any], kind: str | None, now: int
) -> dict[str, Any]:
    text = said.text + ("\x01" if kind == "control_characters" else "")
    status, details, error = "completed", None, None
    if said.stop in {"length", "content_filter"}:
        reason = "max_output_tokens" if said.stop == "length" else "content_filter"
        status, details = "incomplete", {"reason": reason}
    output: list[dict[str, Any]] = []
    if kind == "failed":
        status = "failed"
        error = {"code": "server_error", "message": "A synthetic error."}
    else:
        if kind == "commentary":
            output.append(_message("Let me think. (synthetic)", phase="commentary"))
        if asked.tool and said.stop not in {"refusal", "content_filter"}:
            output += [
                {
                    "type": "function_call",
                    "id": f"fc_sandbox_{_hex(6)}",
                    "call_id": f"call_sandbox_{_hex(6)}",
                    "name": asked.tool,
                    "arguments": _quoted(text),
                    "status": "completed",
                }
                for _ in range(2 if kind == "two_answers" else 1)
            ]
        else:
            phase = "final_answer" if kind == "commentary" else None
            output.append(
                _message(
                    text, refusal=said.stop == "refusal", status=status, phase=phase
                )
            )
            if kind == "two_answers":
                output.append(_message(text))
    return {
        "id": f"resp_sandbox_{_hex(12)}",
        "object": "response",
        "created_at": now,
        "status": status,
        "background": False,
        "error": error,
        "incomplete_details": details,
        "instructions": body.get("instructions"),
        "max_output_tokens": body.get("max_output_tokens"),
        "model": asked.model,
        "output": output,
        "parallel_tool_calls": body.get("parallel_tool_calls", True),
        "previous_response_id": None,
        "reasoning": {"effort": None, "summary": None},
        "store": True,
        "temperature": body.get("temperature", 1.0),
        "text": body.get("text") or {"format": {"type": "text"}},
        "tool_choice": body.get("tool_choice", "auto"),
        "tools": body.get("tools", []),
        "top_p": body.get("top_p", 1.0),
        "truncation": "disabled",
        "usage": {
            "input_tokens": said.input_tokens,
            "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
            "output_tokens": said.output_tokens,
            "output_tokens_details": {"reasoning_tokens": 0},
            "total_tokens": said.input_tokens + said.output_tokens,
        },
        "user": None,
        "metadata": body.get("metadata") or {},
    }


def _message(
    text: str,
    *,
    refusal: bool = False,
    status: str = "completed",
    phase: str | None = None,
) -> dict[str, Any]:
    content: dict[str, Any] = {
        "type": "output_text",
        "annotations": [],
        "logprobs": [],
        "text": _quoted(text),
    }
    if refusal:
        content = {"type": "refusal", "refusal": text}
    message = {
        "type": "message",
        "id": f"msg_sandbox_{_hex(12)}",
        "status": status,
        "role": "assistant",
        "content": [content],
    }
    return message if phase is None else {**message, "phase": phase}


def _embeddings(asked: Asked, body: dict[str, Any], dice: Any) -> tuple[Any, Usage]:
    given = body["input"]
    single = isinstance(given, str) or (
        isinstance(given, list) and bool(given) and isinstance(given[0], int)
    )
    count = 1 if single else len(given)
    size = body.get("dimensions") or _DIMENSIONS
    data = []
    for index in range(count):
        vector = [dice.uniform(-1, 1) for _ in range(size)]
        length = sum(value * value for value in vector) ** 0.5
        unit = [round(value / length, 8) for value in vector]
        data.append({"object": "embedding", "index": index, "embedding": unit})
    usage = {"prompt_tokens": asked.input_tokens, "total_tokens": asked.input_tokens}
    content = {"object": "list", "data": data, "model": asked.model, "usage": usage}
    return content, (asked.input_tokens, 0)


_CATEGORIES = (
    "harassment",
    "harassment/threatening",
    "hate",
    "hate/threatening",
    "illicit",
    "illicit/violent",
    "self-harm",
    "self-harm/instructions",
    "self-harm/intent",
    "sexual",
    "sexual/minors",
    "violence",
    "violence/graphic",
)


def _moderation(asked: Asked, body: dict[str, Any], _: Any) -> tuple[Any, Usage]:
    count = len(body["input"]) if isinstance(body["input"], list) else 1
    result = {
        "flagged": False,
        "categories": dict.fromkeys(_CATEGORIES, False),
        "category_scores": dict.fromkeys(_CATEGORIES, 0.0001),
        "category_applied_input_types": {name: ["text"] for name in _CATEGORIES},
    }
    content = {
        "id": f"modr-sandbox-{_hex(8)}",
        "model": asked.model,
        "results": [result] * count,
    }
    return content, (0, 0)


def _images(asked: Asked, body: dict[str, Any], _: Any) -> tuple[Any, Usage]:
    images = [{"b64_json": _PIXEL}] * int(body.get("n") or 1)
    return {"created": 0, "data": images}, (asked.input_tokens, 0)


def _video(asked: Asked, body: dict[str, Any], _: Any) -> tuple[Any, Usage]:
    content = {
        "id": f"video_sandbox_{_hex(8)}",
        "object": "video",
        "model": asked.model,
        "status": "completed",
        "progress": 100,
        "created_at": 0,
        "seconds": str(body.get("seconds", "4")),
        "size": body.get("size", "720x1280"),
    }
    return content, (asked.input_tokens, 0)


_PLAIN = {
    "/v1/embeddings": _embeddings,
    "/v1/moderations": _moderation,
    "/v1/images/generations": _images,
    "/v1/images/edits": _images,
    "/v1/videos": _video,
}
