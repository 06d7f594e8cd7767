"""An answer in the shape of OpenAI's chat, completions and responses APIs."""

from __future__ import annotations

import json
from typing import Any

import orjson

from ..answers.answers import Asked, Said

__all__ = ["SHAPES", "quoted"]


def quoted(text: str) -> Any:
    """Return text for orjson, which refuses a surrogate without its partner."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return orjson.Fragment(json.dumps(text))
    return text


def _chat(
    asked: Asked, said: Said, body: dict[str, Any], tag: str, now: int
) -> dict[str, Any]:
    text = said.text
    message: dict[str, Any] = {
        "role": "assistant",
        "content": quoted(text),
        "refusal": None,
        "annotations": [],
    }
    if said.stop == "refusal":
        message |= {"content": None, "refusal": text}
    elif asked.tool and said.stop != "content_filter":
        calls = [
            {
                "id": f"call_sandbox_{tag}_{number}",
                "type": "function",
                "function": {"name": asked.tool, "arguments": quoted(text)},
            }
            for number in range(2 if said.kind == "two_answers" else 1)
        ]
        message |= {"content": None, "tool_calls": calls}
    finish = {"refusal": "stop"}.get(said.stop, said.stop)
    count = int(body.get("n") or 1)
    if said.kind == "two_answers" and not asked.tool:
        count = 2
    return {
        "id": f"chatcmpl-sandbox-{tag}",
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
    asked: Asked, said: Said, body: dict[str, Any], tag: str, now: int
) -> dict[str, Any]:
    chat = _chat(asked, said, body, tag, now)
    choices = [
        {
            "index": choice["index"],
            "text": quoted(said.text),
            "logprobs": None,
            "finish_reason": choice["finish_reason"],
        }
        for choice in chat["choices"]
    ]
    return {
        "id": f"cmpl-sandbox-{tag}",
        "object": "text_completion",
        "created": now,
        "model": asked.model,
        "choices": choices,
        "usage": chat["usage"],
    }


def _response(
    asked: Asked, said: Said, body: dict[str, Any], tag: str, now: int
) -> dict[str, Any]:
    text = said.text
    status, details, error = "completed", None, None
    if said.stop in {"length", "content_filter"}:
        reason = "max_output_tokens" if said.stop == "length" else "content_filter"
        status, details = "incomplete", {"reason": reason}
    output: list[dict[str, Any]] = []
    if said.kind == "failed":
        status = "failed"
        error = {"code": "server_error", "message": "A synthetic error."}
    else:
        if said.kind == "commentary":
            output.append(
                _message("Let me think. (synthetic)", tag, phase="commentary")
            )
        if asked.tool and said.stop not in {"refusal", "content_filter"}:
            output += [
                {
                    "type": "function_call",
                    "id": f"fc_sandbox_{tag}_{number}",
                    "call_id": f"call_sandbox_{tag}_{number}",
                    "name": asked.tool,
                    "arguments": quoted(text),
                    "status": "completed",
                }
                for number in range(2 if said.kind == "two_answers" else 1)
            ]
        else:
            phase = "final_answer" if said.kind == "commentary" else None
            output.append(
                _message(
                    text,
                    tag,
                    refusal=said.stop == "refusal",
                    status=status,
                    phase=phase,
                )
            )
            if said.kind == "two_answers":
                output.append(_message(text, tag))
    return {
        "id": f"resp_sandbox_{tag}",
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
    tag: str,
    *,
    refusal: bool = False,
    status: str = "completed",
    phase: str | None = None,
) -> dict[str, Any]:
    content: dict[str, Any] = {
        "type": "output_text",
        "annotations": [],
        "logprobs": [],
        "text": quoted(text),
    }
    if refusal:
        content = {"type": "refusal", "refusal": text}
    message = {
        "type": "message",
        "id": f"msg_sandbox_{tag}",
        "status": status,
        "role": "assistant",
        "content": [content],
    }
    return message if phase is None else {**message, "phase": phase}


SHAPES = {
    "/v1/chat/completions": _chat,
    "/v1/completions": _completion,
    "/v1/responses": _response,
}
"""What turns an answer into the body of a response."""
