"""Anthropic's result lines, as they come and as they should not."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

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
    "text": (_message(_text("Hi")), Outcome.SUCCEEDED, "Hi", None, None),
    "thinking-first": (
        _message({"type": "thinking", "thinking": "Hm"}, _text("Hi")),
        Outcome.SUCCEEDED,
        "Hi",
        None,
        None,
    ),
    "text-in-blocks": (
        _message(_text("a"), _text("b")),
        Outcome.SUCCEEDED,
        "ab",
        None,
        None,
    ),
    "plain-content": (
        _line("succeeded", message={"content": "Hi"}),
        Outcome.SUCCEEDED,
        "Hi",
        None,
        None,
    ),
    "tool": (
        _message(_text("Sure"), _use({"a": 1}), stop_reason="tool_use"),
        Outcome.SUCCEEDED,
        None,
        {"a": 1},
        None,
    ),
    "two-tools": (
        _message(_use({"a": 1}), _use({"a": 2})),
        Outcome.SUCCEEDED,
        None,
        {"a": 1},
        None,
    ),
    "refusal": (
        _message(stop_reason="refusal", stop_details={"explanation": "I cannot."}),
        Outcome.REFUSED,
        None,
        None,
        "I cannot.",
    ),
    "refusal-in-prose": (
        _message(_text("Never."), stop_reason="refusal", stop_details=None),
        Outcome.REFUSED,
        "Never.",
        None,
        "Never.",
    ),
    "refusal-by-category": (
        _message(stop_reason="refusal", stop_details={"category": "bio"}),
        Outcome.REFUSED,
        None,
        None,
        "bio",
    ),
    "refusal-alone": (
        _message(stop_reason="refusal"),
        Outcome.REFUSED,
        None,
        None,
        "The model refused (stop_reason: refusal).",
    ),
    "max-tokens": (
        _message(_text('{"a'), stop_reason="max_tokens"),
        Outcome.TRUNCATED,
        '{"a',
        None,
        _cut("max_tokens"),
    ),
    "max-tokens-in-tool": (
        _message(_use({"a": "ä"}), stop_reason="max_tokens"),
        Outcome.TRUNCATED,
        '{"a": "ä"}',
        {"a": "ä"},
        _cut("max_tokens"),
    ),
    "window-full": (
        _message(_text("H"), stop_reason="model_context_window_exceeded"),
        Outcome.TRUNCATED,
        "H",
        None,
        _cut("model_context_window_exceeded"),
    ),
    "paused": (
        _message(_text("H"), stop_reason="pause_turn"),
        Outcome.TRUNCATED,
        "H",
        None,
        _cut("pause_turn"),
    ),
    "unknown-stop": (
        _message(_text("Hi"), stop_reason="bored"),
        Outcome.SUCCEEDED,
        "Hi",
        None,
        None,
    ),
    "empty": (
        _message(),
        Outcome.INVALID,
        None,
        None,
        "The answer is empty (stop_reason: end_turn).",
    ),
    "odd-block": (
        _message(7),
        Outcome.INVALID,
        None,
        None,
        "An answer of an unknown shape.",
    ),
}


@pytest.mark.parametrize("name", ANSWERS)
def test_answers(name: str) -> None:
    """Each way to answer has its outcome, its content and the provider's words."""
    given_line, outcome, answer, data, error = ANSWERS[name]
    result = decode(given_line)
    assert (result.custom_id, result.outcome, result.retryable) == (
        "row-1",
        outcome,
        False,
    )
    assert (result.text, result.data, result.error) == (answer, data, error)


def _errored(kind: str, **details: Any) -> bytes:
    inner = {"type": kind, "message": "Sorry.", **details}
    return _line("errored", error={"type": "error", "error": inner, "request_id": None})


LASTING = (
    "authentication_error",
    "billing_error",
    "invalid_request_error",
    "not_found_error",
    "permission_error",
    "request_too_large",
)
PASSING = ("api_error", "overloaded_error", "rate_limit_error", "timeout_error", "new")


@pytest.mark.parametrize("kind", LASTING + PASSING)
def test_errors(kind: str) -> None:
    """The error inside the error decides whether another try can help."""
    result = decode(_errored(kind))
    assert (result.outcome, result.error) == (Outcome.ERRORED, f"{kind}: Sorry.")
    assert result.retryable is (kind in PASSING)


def test_spend_stop() -> None:
    """A spend limit does not go away by asking again."""
    details = {"error_code": "enforced_spend_limit_reached"}
    assert not decode(_errored("rate_limit_error", details=details)).retryable


OTHERS = {
    "expired": (_line("expired"), Outcome.EXPIRED, True),
    "canceled": (_line("canceled"), Outcome.CANCELLED, False),
    "unknown": (_line("melted"), Outcome.ERRORED, False),
    "no-message": (_line("succeeded"), Outcome.ERRORED, False),
    "no-error": (_line("errored"), Outcome.ERRORED, True),
    "no-result": (b'{"custom_id":"row-1"}', Outcome.ERRORED, False),
    "other-provider": (
        b'{"custom_id":"row-1","response":null}',
        Outcome.ERRORED,
        False,
    ),
}


@pytest.mark.parametrize("name", OTHERS)
def test_without_an_answer(name: str) -> None:
    """A line without an answer keeps its ID, and says what it is."""
    given_line, outcome, retryable = OTHERS[name]
    result = decode(given_line)
    assert (result.custom_id, result.outcome) == ("row-1", outcome)
    assert result.retryable is retryable
    assert result.error


def test_unknown_type_is_named() -> None:
    """A type of result from the future is given in the provider's own word."""
    assert decode(_line("melted")).error == "A result of an unknown type: melted."


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
        ({"input_tokens": 5, "cache_read_input_tokens": None}, Usage(5)),
        (None, None),
    ],
)
def test_usage(usage: Any, expected: Usage | None) -> None:
    """The input is all of the input: what came from the cache is part of it."""
    result = decode(_message(_text("Hi"), usage=usage))
    assert (result.usage, result.model) == (expected, "claude-sonnet-5")


@pytest.mark.parametrize("number", [2**53 + 1, 2**64 - 1, 2**64, 10**40, -(2**70)])
def test_big_numbers_are_exact(number: int) -> None:
    """A whole number in a tool's input has no limit and loses no digit."""
    encoded = _message(_use({"n": 0})).replace(b":0", b":%d" % number)
    assert decode(encoded).data == {"n": number}


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        (b'{"a":"\\ud800"}', {"a": "\N{REPLACEMENT CHARACTER}"}),
        (b'{"a":1,"a":2}', {"a": 2}),
        (b'{"a":"\xc2\x85"}', {"a": "\x85"}),
    ],
)
def test_odd_json_is_kept(written: bytes, expected: Any) -> None:
    """What strict parsers refuse or leave open is still an answer."""
    encoded = _message(_use("INPUT")).replace(b'"INPUT"', written)
    assert decode(encoded).data == expected


def test_not_a_number() -> None:
    """NaN in a tool's input spoils the number, not the line."""
    result = decode(_message(_use("INPUT")).replace(b'"INPUT"', b'{"a":NaN,"b":1}'))
    assert result.outcome is Outcome.SUCCEEDED
    assert result.data["b"] == 1


@pytest.mark.parametrize("bad", [b"", b"{", b"7", b"[]", b"\xff"])
def test_bad_lines(bad: bytes) -> None:
    """A line that is no JSON object is a result without an ID."""
    result = decode(bad)
    assert (result.custom_id, result.outcome) == (None, Outcome.ERRORED)
    assert (result.error or "").startswith("This result line is not")


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)
KEYS = ("content", "usage", "stop_reason", "stop_details", "model")


@given(told=st.dictionaries(st.sampled_from(KEYS), json_values), error=json_values)
def test_never_raises(told: dict[str, Any], error: Any) -> None:
    """Whatever a line holds, decoding it gives a result."""
    assert decode(_line("succeeded", message=told)).custom_id == "row-1"
    assert decode(_line("errored", error=error)).custom_id == "row-1"
