"""Lines of OpenAI's output and error files, as they come and as they should not."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from batchwright.models import Outcome, Usage
from batchwright.providers import get_format

decode = get_format("openai").decode

CHAT_USAGE = {
    "prompt_tokens": 10,
    "completion_tokens": 4,
    "total_tokens": 14,
    "prompt_tokens_details": {"cached_tokens": 6, "cache_write_tokens": 2},
}


def _line(body: Any = None, status: Any = 200, error: Any = None) -> bytes:
    response = {"status_code": status, "request_id": "req", "body": body}
    answered = None if body is None and status == 200 else response
    record = {"id": "b", "custom_id": "row-1", "response": answered, "error": error}
    return orjson.dumps(record)


def _chat(message: Any, reason: str = "stop", **more: Any) -> bytes:
    choice = {"index": 0, "message": message, "finish_reason": reason}
    return _line({"model": "gpt-5-mini", "choices": [choice], **more})


def _response(*output: Any, **more: Any) -> bytes:
    return _line(
        {"object": "response", "status": "completed", "output": output, **more}
    )


def _said(*content: Any, **more: Any) -> dict[str, Any]:
    return {"type": "message", "role": "assistant", "content": content, **more}


def _text(value: str) -> dict[str, Any]:
    return {"type": "output_text", "text": value}


def _call(arguments: str) -> dict[str, Any]:
    return {"type": "function", "function": {"name": "a", "arguments": arguments}}


CUT = "The answer was cut at the token limit (finish_reason: length)."
FILTERED = "The answer was withheld (finish_reason: content_filter)."

ANSWERS = {
    "text": (_chat({"content": "Hi"}), Outcome.SUCCEEDED, "Hi", None),
    "text-in-parts": (
        _chat({"content": [{"type": "text", "text": "Hi"}]}),
        Outcome.SUCCEEDED,
        "Hi",
        None,
    ),
    "completion": (
        _line({"choices": [{"text": "Hi", "finish_reason": "stop"}]}),
        Outcome.SUCCEEDED,
        "Hi",
        None,
    ),
    "tool": (_chat({"tool_calls": [_call("{}")]}), Outcome.SUCCEEDED, "{}", None),
    "two-tools": (
        _chat({"content": "x", "tool_calls": [_call("1"), _call("2")]}, "tool_calls"),
        Outcome.SUCCEEDED,
        "1",
        None,
    ),
    "function-call": (
        _chat({"content": None, "function_call": {"arguments": "{}"}}),
        Outcome.SUCCEEDED,
        "{}",
        None,
    ),
    "two-choices": (
        _line({"choices": [{"message": {"content": c}} for c in ("a", "b")]}),
        Outcome.SUCCEEDED,
        "a",
        None,
    ),
    "choices-out-of-order": (
        _line(
            {
                "choices": [
                    {
                        "index": n,
                        "message": {"content": str(n)},
                        "finish_reason": "stop",
                    }
                    for n in (1, 0)
                ]
            }
        ),
        Outcome.SUCCEEDED,
        "0",
        None,
    ),
    "body-as-text": (
        _line('{"choices":[{"message":{"content":"Hi"}}]}'),
        Outcome.SUCCEEDED,
        "Hi",
        None,
    ),
    "refusal": (
        _chat({"content": None, "refusal": "I cannot."}),
        Outcome.REFUSED,
        None,
        "I cannot.",
    ),
    "cut": (_chat({"content": '{"a'}, "length"), Outcome.TRUNCATED, '{"a', CUT),
    "cut-tool": (
        _chat({"tool_calls": [_call('{"a')]}, "length"),
        Outcome.TRUNCATED,
        '{"a',
        CUT,
    ),
    "filtered": (
        _chat({"content": None}, "content_filter"),
        Outcome.REFUSED,
        None,
        FILTERED,
    ),
    "empty": (
        _chat({"content": ""}),
        Outcome.INVALID,
        "",
        "The answer is empty (finish_reason: stop).",
    ),
    "no-choice": (
        _line({"choices": []}),
        Outcome.INVALID,
        None,
        "The answer holds no choice.",
    ),
    "odd-choice": (
        _line({"choices": [7]}),
        Outcome.INVALID,
        None,
        "An answer of an unknown shape.",
    ),
    "response": (
        _response({"type": "reasoning"}, _said(_text("Hi"))),
        Outcome.SUCCEEDED,
        "Hi",
        None,
    ),
    "response-commentary": (
        _response(_said(_text("Hm"), phase="commentary"), _said(_text("Hi"))),
        Outcome.SUCCEEDED,
        "Hi",
        None,
    ),
    "response-in-messages": (
        _response(_said(_text("a")), _said(_text("b"))),
        Outcome.SUCCEEDED,
        "ab",
        None,
    ),
    "response-after-search": (
        _response(
            _said(_text("Let me look.")),
            {"type": "web_search_call", "id": "w", "status": "completed"},
            {"type": "reasoning"},
            _said(_text("At nine.")),
        ),
        Outcome.SUCCEEDED,
        "At nine.",
        None,
    ),
    "response-after-call": (
        _response({"type": "function_call", "arguments": "{}"}, _said(_text("Hi"))),
        Outcome.SUCCEEDED,
        "Hi",
        None,
    ),
    "response-before-search": (
        _response(_said(_text("Hi")), {"type": "web_search_call"}),
        Outcome.SUCCEEDED,
        "Hi",
        None,
    ),
    "response-call": (
        _response(_said(_text("Hm")), {"type": "function_call", "arguments": "{}"}),
        Outcome.SUCCEEDED,
        "{}",
        None,
    ),
    "response-refusal": (
        _response(_said({"type": "refusal", "refusal": "I cannot."})),
        Outcome.REFUSED,
        None,
        "I cannot.",
    ),
    "response-cut": (
        _response(
            _said(_text("H")),
            status="incomplete",
            incomplete_details={"reason": "max_output_tokens"},
        ),
        Outcome.TRUNCATED,
        "H",
        "The answer is incomplete (reason: max_output_tokens).",
    ),
    "response-filtered": (
        _response(status="incomplete", incomplete_details={"reason": "content_filter"}),
        Outcome.REFUSED,
        None,
        "The answer is incomplete (reason: content_filter).",
    ),
    "response-empty": (_response(), Outcome.INVALID, None, "The answer is empty."),
    "response-cancelled": (
        _response(status="cancelled"),
        Outcome.CANCELLED,
        None,
        "The response was cancelled.",
    ),
    "unknown-kind": (
        _line({"object": "song"}),
        Outcome.ERRORED,
        None,
        "An answer of an unknown kind: song.",
    ),
}


@pytest.mark.parametrize("name", ANSWERS)
def test_answers(name: str) -> None:
    """Each way to answer has its outcome, its text and the provider's words."""
    given_line, outcome, answer, error = ANSWERS[name]
    result = decode(given_line)
    found = (result.custom_id, result.outcome, result.text, result.error)
    assert found == ("row-1", outcome, answer, error)
    assert not result.retryable


@pytest.mark.parametrize(
    ("usage", "expected"),
    [
        (CHAT_USAGE, Usage(10, 4, 6, 2)),
        (
            {
                "prompt_tokens": 10,
                "completion_tokens": 0,
                "prompt_tokens_details": None,
            },
            Usage(10),
        ),
        (
            {"input_tokens": 3, "output_tokens": 1, "input_tokens_details": {}},
            Usage(3, 1),
        ),
        (None, None),
        ({}, None),
        ([10, 4], None),
        ({"prompt_tokens": 10}, None),
        (CHAT_USAGE | {"completion_tokens": None}, None),
        (CHAT_USAGE | {"completion_tokens": 4.0}, None),
        (CHAT_USAGE | {"completion_tokens": "4"}, None),
        (CHAT_USAGE | {"completion_tokens": True}, None),
        (CHAT_USAGE | {"completion_tokens": -4}, None),
        (CHAT_USAGE | {"completion_tokens": 10**15}, None),
        (CHAT_USAGE | {"prompt_tokens": -10}, None),
        (CHAT_USAGE | {"prompt_tokens_details": "none"}, None),
        (CHAT_USAGE | {"prompt_tokens_details": {"cached_tokens": 11}}, None),
        (CHAT_USAGE | {"prompt_tokens_details": {"cached_tokens": -1}}, None),
    ],
)
def test_usage(usage: Any, expected: Usage | None) -> None:
    """Usage is what the provider counted; unknown where that cannot be right."""
    result = decode(_chat({"content": "Hi"}, usage=usage))
    assert (result.usage, result.model) == (expected, "gpt-5-mini")


def test_an_embedding_may_have_one_count() -> None:
    """Voyage gives the tokens in all, which an embedding's input is."""
    body = {"data": [{"embedding": [0.5]}], "usage": {"total_tokens": 7}}
    assert decode(_line(body)).usage == Usage(7)


def test_embedding() -> None:
    """An embedding comes as the numbers that it is."""
    body = {"object": "list", "data": [{"embedding": [0.5, -1]}], "model": "e"}
    result = decode(_line(body))
    assert (result.outcome, result.data) == (Outcome.SUCCEEDED, [0.5, -1])
