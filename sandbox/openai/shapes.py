"""OpenAI's endpoints, and answers in the form of each."""

from __future__ import annotations

import random
from array import array
from base64 import b64encode
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ..answers.answer import Answer, Question, safe_text

__all__ = ["ENDPOINTS", "Endpoint", "embeddings"]

_DIMENSIONS = 1536
_SNAPSHOTS = {
    "gpt-3.5-turbo": "0125",
    "gpt-4": "0613",
    "gpt-4-turbo": "2024-04-09",
    "gpt-4o": "2024-08-06",
    "gpt-4o-mini": "2024-07-18",
    "gpt-4.1": "2025-04-14",
    "gpt-4.1-mini": "2025-04-14",
    "gpt-4.1-nano": "2025-04-14",
    "o1": "2024-12-17",
    "o3": "2025-04-16",
    "o3-mini": "2025-01-31",
    "o4-mini": "2025-04-16",
    "gpt-5": "2025-08-07",
    "gpt-5-mini": "2025-08-07",
    "gpt-5-nano": "2025-08-07",
    "gpt-5.1": "2025-11-13",
    "gpt-5.2": "2025-12-11",
    "gpt-5.4-mini": "2026-03-17",
    "gpt-5.4-nano": "2026-03-17",
    "gpt-5.5": "2026-04-23",
}
"""Dates in the names under which models answer, from the names of openai 3.57."""


@dataclass(frozen=True)
class Endpoint:
    """One endpoint of batches."""

    content: str
    """The body member with the conversation, required beside `model`."""
    shape: Callable[[Question, Answer, dict[str, Any], str, int], dict[str, Any]] | None
    """Makes the body of a response from an answer, the request's body, the end of IDs
    and the time; None: vectors answer, and no model is asked."""
    is_flat: bool = False
    """Whether a schema or function stands beside its `type`, not in an inner object."""


def _chat(
    question: Question, answer: Answer, body: dict[str, Any], tag: str, now: int
) -> dict[str, Any]:
    message: dict[str, Any] = {
        "role": "assistant",
        "content": safe_text(answer.text),
        "refusal": None,
        "annotations": [],
    }
    twice = answer.fault == "two_answers"
    if answer.stop == "refusal":
        message |= {"content": None, "refusal": answer.text}
    elif question.tool and answer.stop != "content_filter":
        calls = [
            {
                "id": f"call_sandbox_{tag}_{number}",
                "type": "function",
                "function": {
                    "name": question.tool,
                    "arguments": safe_text(answer.text),
                },
            }
            for number in range(1 + twice)
        ]
        message |= {"content": None, "tool_calls": calls}
        if body.get("functions"):  # the form before tools
            message["function_call"] = calls[0]["function"]
            del message["tool_calls"]
    count = 2 if twice and not question.tool else int(body.get("n") or 1)
    choice: dict[str, Any] = {
        "message": message,
        "logprobs": None,
        "finish_reason": "stop" if answer.stop == "refusal" else answer.stop,
    }
    if body.get("logprobs") is True:
        tokens = _logprobs(answer.text, body.get("top_logprobs") or 0)
        choice["logprobs"] = {"content": tokens, "refusal": None}
    return {
        "id": f"chatcmpl-sandbox-{tag}",
        "object": "chat.completion",
        "created": now,
        "model": _dated_name(question.model),
        "choices": [{"index": index, **choice} for index in range(count)],
        "usage": {
            "prompt_tokens": answer.input_tokens,
            "completion_tokens": answer.output_tokens,
            "total_tokens": answer.input_tokens + answer.output_tokens,
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
    question: Question, answer: Answer, body: dict[str, Any], tag: str, now: int
) -> dict[str, Any]:
    chat = _chat(question, answer, body, tag, now)
    logprobs = None
    if (count := body.get("logprobs")) is not None:
        tokens = _logprobs(answer.text, count)
        logprobs = {
            "tokens": [token["token"] for token in tokens],
            "token_logprobs": [token["logprob"] for token in tokens],
            "top_logprobs": [
                {top["token"]: top["logprob"] for top in token["top_logprobs"]}
                for token in tokens
            ],
            "text_offset": [4 * number for number in range(len(tokens))],
        }
    choices = [
        {
            "index": choice["index"],
            "text": safe_text(answer.text),
            "logprobs": logprobs,
            "finish_reason": choice["finish_reason"],
        }
        for choice in chat["choices"]
    ]
    return {
        "id": f"cmpl-sandbox-{tag}",
        "object": "text_completion",
        "created": now,
        "model": _dated_name(question.model),
        "choices": choices,
        "usage": chat["usage"],
    }


def _response(
    question: Question, answer: Answer, body: dict[str, Any], tag: str, now: int
) -> dict[str, Any]:
    status, details, error = "completed", None, None
    if answer.stop in {"length", "content_filter"}:
        reason = "max_output_tokens" if answer.stop == "length" else "content_filter"
        status, details = "incomplete", {"reason": reason}
    output = _output(question, answer, tag, status)
    if "message.output_text.logprobs" in (body.get("include") or ()):
        for part in output[-1].get("content", ()):
            part["logprobs"] = _logprobs(answer.text, body.get("top_logprobs") or 0)
    if answer.fault == "failed":
        status, output = "failed", []
        error = {"code": "server_error", "message": "A synthetic error."}
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
        "model": _dated_name(question.model),
        "output": output,
        "parallel_tool_calls": body.get("parallel_tool_calls", True),
        "previous_response_id": None,
        "reasoning": {"effort": None, "summary": None},
        "store": True,
        "temperature": body.get("temperature", 1.0),
        "text": body.get("text") or {"format": {"type": "text"}},
        "tool_choice": body.get("tool_choice", "auto"),
        "tools": [{"strict": True, **tool} for tool in body.get("tools") or ()],
        "top_p": body.get("top_p", 1.0),
        "truncation": "disabled",
        "usage": {
            "input_tokens": answer.input_tokens,
            "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
            "output_tokens": answer.output_tokens,
            "output_tokens_details": {"reasoning_tokens": 0},
            "total_tokens": answer.input_tokens + answer.output_tokens,
        },
        "user": None,
        "metadata": body.get("metadata") or {},
    }


def _output(
    question: Question, answer: Answer, tag: str, status: str
) -> list[dict[str, Any]]:
    """Return the output items of a response."""
    count = 2 if answer.fault == "two_answers" else 1
    if question.tool and answer.stop not in {"refusal", "content_filter"}:
        items = [
            {
                "type": "function_call",
                "id": f"fc_sandbox_{tag}_{number}",
                "call_id": f"call_sandbox_{tag}_{number}",
                "name": question.tool,
                "arguments": safe_text(answer.text),
                "status": "completed",
            }
            for number in range(count)
        ]
    else:
        message = _message(answer.text, tag, status)
        if answer.stop == "refusal":
            message["content"] = [{"type": "refusal", "refusal": answer.text}]
        items = [message] * count
    if answer.fault == "commentary":
        first = _message("Let me think. (synthetic)", tag, "completed")
        items[0] = {**items[0], "phase": "final_answer"}
        items.insert(0, {**first, "phase": "commentary"})
    return items


def _message(text: str, tag: str, status: str) -> dict[str, Any]:
    content = {
        "type": "output_text",
        "annotations": [],
        "logprobs": [],
        "text": safe_text(text),
    }
    return {
        "type": "message",
        "id": f"msg_sandbox_{tag}",
        "status": status,
        "role": "assistant",
        "content": [content],
    }


def embeddings(
    question: Question, body: dict[str, Any], rng: random.Random
) -> dict[str, Any]:
    """Return the body of a response with a random unit vector for each input."""
    given = body["input"]
    is_one_text = not isinstance(given, list) or (given and isinstance(given[0], int))
    data = []
    for index in range(1 if is_one_text else len(given)):
        vector = [
            rng.uniform(-1, 1) for _ in range(body.get("dimensions") or _DIMENSIONS)
        ]
        length = sum(value * value for value in vector) ** 0.5
        unit: Any = [round(value / length, 8) for value in vector]
        if body.get("encoding_format") == "base64":
            unit = b64encode(array("f", unit)).decode()
        data.append({"object": "embedding", "index": index, "embedding": unit})
    tokens = question.input_tokens
    usage = {"prompt_tokens": tokens, "total_tokens": tokens}
    return {
        "object": "list",
        "data": data,
        "model": _dated_name(question.model),
        "usage": usage,
    }


def _dated_name(model: str) -> str:
    """Return the name in a response; other models answer under their own."""
    date = _SNAPSHOTS.get(model)
    return model if date is None else f"{model}-{date}"


def _logprobs(text: str, count: int) -> list[dict[str, Any]]:
    """Return made-up log probabilities: four characters are a token."""
    tokens = []
    for start in range(0, len(text), 4):
        token = text[start : start + 4]
        data = list(token.encode("utf-8", "replace"))
        found = {"token": safe_text(token), "logprob": -0.01, "bytes": data}
        others = [{**found, "logprob": -0.01 - rank} for rank in range(count)]
        tokens.append({**found, "top_logprobs": others})
    return tokens


ENDPOINTS = {
    "/v1/responses": Endpoint("input", _response, is_flat=True),
    "/v1/chat/completions": Endpoint("messages", _chat),
    "/v1/embeddings": Endpoint("input", None),
    "/v1/completions": Endpoint("prompt", _completion),
}
"""The endpoints of batches."""
