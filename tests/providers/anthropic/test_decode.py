"""Anthropic's result lines, as they come and as they should not."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from batchwright.models import Outcome, Usage
from batchwright.providers import get_format

decode = get_format("anthropic").decode


def _line(kind: Any, **more: Any) -> bytes:
    return orjson.dumps({"custom_id": "row-1", "result": {"type": kind, **more}})


def _message(*content: Any, **more: Any) -> bytes:
    told = {"model": "claude-sonnet-5", "content": content, "stop_reason": "end_turn"}
    return _line("succeeded", message={**told, **more})


def _text(value: str) -> dict[str, Any]:
    return {"type": "text", "text": value}


def _use(value: Any) -> dict[str, Any]:
    return {"type": "tool_use", "id": "t", "name": "answer", "input": value}


def _cut(reason: str) -> str:
    return f"The answer was cut (stop_reason: {reason})."


ANSWERS = {
    "text": (_message(_text("Hi")), Outcome.SUCCEEDED, "Hi", None),
    "thinking-first": (
        _message({"type": "thinking", "thinking": "Hm"}, _text("Hi")),
        Outcome.SUCCEEDED,
        "Hi",
        None,
    ),
    "text-in-blocks": (
        _message(_text("a"), _text("b")),
        Outcome.SUCCEEDED,
        "ab",
        None,
    ),
    "search-first": (
        _message(
            _text("Let me look."),
            {"type": "server_tool_use", "id": "s", "name": "web_search", "input": {}},
            {"type": "web_search_tool_result", "tool_use_id": "s", "content": []},
            {"type": "thinking", "thinking": "Hm"},
            _text("At "),
            _text("nine."),
        ),
        Outcome.SUCCEEDED,
        "At nine.",
        None,
    ),
    "search-last": (
        _message(_text("Hi"), {"type": "server_tool_use", "id": "s", "input": {}}),
        Outcome.SUCCEEDED,
        "Hi",
        None,
    ),
    "plain-content": (
        _line("succeeded", message={"content": "Hi"}),
        Outcome.SUCCEEDED,
        "Hi",
        None,
    ),
    "tool": (
        _message(_text("Sure"), _use({"a": 1}), stop_reason="tool_use"),
        Outcome.SUCCEEDED,
        '{"a":1}',
        None,
    ),
    "two-tools": (
        _message(_use({"a": 1}), _use({"a": 2})),
        Outcome.SUCCEEDED,
        '{"a":1}',
        None,
    ),
    "refusal": (
        _message(stop_reason="refusal", stop_details={"explanation": "I cannot."}),
        Outcome.REFUSED,
        None,
        "I cannot.",
    ),
    "refusal-in-prose": (
        _message(_text("Never."), stop_reason="refusal", stop_details=None),
        Outcome.REFUSED,
        "Never.",
        "Never.",
    ),
    "refusal-by-category": (
        _message(stop_reason="refusal", stop_details={"category": "bio"}),
        Outcome.REFUSED,
        None,
        "bio",
    ),
    "refusal-alone": (
        _message(stop_reason="refusal"),
        Outcome.REFUSED,
        None,
        "The model refused (stop_reason: refusal).",
    ),
    "max-tokens": (
        _message(_text('{"a'), stop_reason="max_tokens"),
        Outcome.TRUNCATED,
        '{"a',
        _cut("max_tokens"),
    ),
    "max-tokens-in-tool": (
        _message(_use({"a": "ä"}), stop_reason="max_tokens"),
        Outcome.TRUNCATED,
        '{"a":"ä"}',
        _cut("max_tokens"),
    ),
    "window-full": (
        _message(_text("H"), stop_reason="model_context_window_exceeded"),
        Outcome.TRUNCATED,
        "H",
        _cut("model_context_window_exceeded"),
    ),
    "paused": (
        _message(_text("H"), stop_reason="pause_turn"),
        Outcome.TRUNCATED,
        "H",
        _cut("pause_turn"),
    ),
    "unknown-stop": (
        _message(_text("Hi"), stop_reason="bored"),
        Outcome.SUCCEEDED,
        "Hi",
        None,
    ),
    "empty": (
        _message(),
        Outcome.INVALID,
        None,
        "The answer is empty (stop_reason: end_turn).",
    ),
    "odd-block": (
        _message(7),
        Outcome.INVALID,
        None,
        "An answer of an unknown shape.",
    ),
}


@pytest.mark.parametrize("name", ANSWERS)
def test_answers(name: str) -> None:
    """Each way to answer has its outcome, its content and the provider's words."""
    given_line, outcome, answer, error = ANSWERS[name]
    result = decode(given_line)
    assert (result.custom_id, result.outcome, result.retryable) == (
        "row-1",
        outcome,
        False,
    )
    assert (result.text, result.error) == (answer, error)


@pytest.mark.parametrize(
    ("usage", "expected"),
    [
        ({"input_tokens": 5, "output_tokens": 2}, Usage(5, 2)),
        (
            {
                "input_tokens": 5,
                "cache_creation_input_tokens": 20,
                "cache_read_input_tokens": 300,
                "output_tokens": 2,
            },
            Usage(325, 2, 300, 20),
        ),
        (
            {"input_tokens": 5, "output_tokens": 2, "cache_read_input_tokens": None},
            Usage(5, 2),
        ),
        (None, None),
        ({}, None),
        ("5", None),
        ({"input_tokens": 5}, None),
        ({"input_tokens": None, "output_tokens": 2}, None),
        ({"input_tokens": 5.0, "output_tokens": 2}, None),
        ({"input_tokens": "5", "output_tokens": 2}, None),
        ({"input_tokens": -5, "output_tokens": 2}, None),
        (
            {"input_tokens": -5, "cache_read_input_tokens": 9, "output_tokens": 2},
            None,
        ),
        (
            {"input_tokens": 5, "cache_read_input_tokens": -2, "output_tokens": 2},
            None,
        ),
        ({"input_tokens": 5, "output_tokens": 10**15}, None),
    ],
)
def test_usage(usage: Any, expected: Usage | None) -> None:
    """The input is all of the input: what came from the cache is part of it."""
    result = decode(_message(_text("Hi"), usage=usage))
    assert (result.usage, result.model) == (expected, "claude-sonnet-5")
