"""Anthropic's result lines, that hold no answer or odd JSON."""

from __future__ import annotations

import json
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from batchwright.models import Outcome
from batchwright.providers import get_format

decode = get_format("anthropic").decode


def _line(kind: Any, **more: Any) -> bytes:
    return orjson.dumps({"custom_id": "row-1", "result": {"type": kind, **more}})


def _message(*content: Any, **more: Any) -> bytes:
    told = {"model": "claude-sonnet-5", "content": content, "stop_reason": "end_turn"}
    return _line("succeeded", message={**told, **more})


def _use(value: Any) -> dict[str, Any]:
    return {"type": "tool_use", "id": "t", "name": "answer", "input": value}


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


@pytest.mark.parametrize("number", [2**53 + 1, 2**64 - 1, 2**64, 10**40, -(2**70)])
def test_big_numbers_are_exact(number: int) -> None:
    """A whole number in a tool's input has no limit and loses no digit."""
    encoded = _message(_use({"n": 0})).replace(b":0", b":%d" % number)
    assert json.loads(decode(encoded).text or "") == {"n": number}


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
    assert json.loads(decode(encoded).text or "") == expected


def test_not_a_number() -> None:
    """NaN in a tool's input spoils the number, not the line."""
    result = decode(_message(_use("INPUT")).replace(b'"INPUT"', b'{"a":NaN,"b":1}'))
    assert result.outcome is Outcome.SUCCEEDED
    assert result.text == '{"a":null,"b":1}'


@pytest.mark.parametrize("bad", [b"", b"{", b"7", b"[]", b"\xff", b"[" * 9999])
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
