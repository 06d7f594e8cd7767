"""Lines of OpenAI's output and error files, that hold no answer or odd bytes."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from batchwright.models import Outcome
from batchwright.providers import get_format

decode = get_format("openai").decode


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


def _failed(code: str) -> dict[str, str]:
    return {"code": code, "message": "Sorry."}


FAILURES = {
    "bad-request": (
        _line({"error": _failed("invalid_prompt")}, 400),
        "400 invalid_prompt: Sorry.",
        False,
    ),
    "rate-limit": (_line({"error": {"message": "Slow."}}, 429), "429 Slow.", True),
    "no-money": (
        _line({"error": _failed("insufficient_quota")}, 429),
        "429 insufficient_quota: Sorry.",
        False,
    ),
    "server": (_line({"error": {"type": "oops"}}, 500), "500 oops", True),
    "never-sent": (_line({}, 0), "0 no reason given", True),
    "error-as-text": (_line(None, 400, "bad"), "400 bad", False),
    "no-status": (_line({"choices": []}, None), "None no reason given", False),
    "body-as-text": (_line("<html>", 502), "502 <html>", True),
    "error-beside-200": (
        _line({"choices": []}, 200, _failed("odd")),
        "200 odd: Sorry.",
        False,
    ),
    "error-without-inner-object": (
        _line({"object": "error", "message": "Unknown.", "code": "1500"}, 422),
        "422 1500: Unknown.",
        False,
    ),
    "error-of-a-web-framework": (
        _line({"detail": "Unprocessable"}, 422),
        "422 Unprocessable",
        False,
    ),
    "error-as-json-text": (
        _line(orjson.dumps({"error": _failed("odd")}).decode(), 400),
        "400 odd: Sorry.",
        False,
    ),
    "message-beside-status": (
        orjson.dumps(
            {"custom_id": "row-1", "response": {"status_code": 500, "message": "Oh."}}
        ),
        "500 Oh.",
        True,
    ),
    "aborted": (
        _line({"choices": [{"message": {"content": "H"}, "finish_reason": "abort"}]}),
        "finish_reason abort: no reason given",
        True,
    ),
    "broken-off": (
        _line(
            {
                "choices": [
                    {
                        "message": {"content": ""},
                        "finish_reason": "error",
                        "error": {"code": 502, "message": "overloaded"},
                    }
                ]
            }
        ),
        "finish_reason error: 502: overloaded",
        True,
    ),
    "response-failed": (
        _response(status="failed", error=_failed("server_error")),
        "failed: server_error: Sorry.",
        True,
    ),
    "response-failed-for-good": (
        _response(status="failed", error=_failed("invalid_image")),
        "failed: invalid_image: Sorry.",
        False,
    ),
    "response-unfinished": (
        _response(status="in_progress"),
        "in_progress: no reason given",
        True,
    ),
    "response-odd-status": (
        _response(_said(_text("Hi")), status="melted"),
        "melted: no reason given",
        False,
    ),
    "neither": (_line(), "The provider sent neither a response nor an error.", True),
    "error-alone": (_line(error=_failed("odd")), "odd: Sorry.", False),
    "other-provider": (
        b'{"custom_id":"row-1","result":{"type":"expired"}}',
        "This is another provider's result line.",
        False,
    ),
}


@pytest.mark.parametrize("name", FAILURES)
def test_failures(name: str) -> None:
    """A request that failed says why, and whether another try can help."""
    given_line, error, retryable = FAILURES[name]
    result = decode(given_line)
    assert (result.custom_id, result.outcome) == ("row-1", Outcome.ERRORED)
    assert (result.error, result.retryable) == (error, retryable)


@pytest.mark.parametrize(
    ("code", "outcome", "retryable"),
    [
        ("batch_expired", Outcome.EXPIRED, True),
        ("batch_cancelled", Outcome.CANCELLED, False),
    ],
)
def test_never_ran(code: str, outcome: Outcome, *, retryable: bool) -> None:
    """What the batch left undone is expired or cancelled, not errored."""
    result = decode(_line(error=_failed(code)))
    assert (result.outcome, result.retryable) == (outcome, retryable)
    assert result.error == f"{code}: Sorry."


@pytest.mark.parametrize(
    ("escaped", "expected"),
    [
        (b"\\ud800", "\N{REPLACEMENT CHARACTER}"),
        (b"\x07", "\x07"),
        (b"\xe2\x80\xa8", "\N{LINE SEPARATOR}"),
        (b"\xff", "\N{REPLACEMENT CHARACTER}"),
        (b"\\ud83d\\ude00", "\N{GRINNING FACE}"),
    ],
)
def test_odd_text_is_kept(escaped: bytes, expected: str) -> None:
    """Text that strict JSON or UTF-8 refuses is still an answer, and can be written."""
    result = decode(_chat({"content": "TEXT"}).replace(b"TEXT", escaped))
    assert (result.outcome, result.text) == (Outcome.SUCCEEDED, expected)
    assert (result.text or "").encode()


def test_byte_order_mark() -> None:
    """A byte order mark before the first line changes nothing."""
    assert decode(b"\xef\xbb\xbf" + _chat({"content": "Hi"})).text == "Hi"


@pytest.mark.parametrize(
    "bad", [b"", b"{", b"7", b"[]", b'"a"', b"\xff\xfe", b"[" * 9999]
)
def test_bad_lines(bad: bytes) -> None:
    """A line that is no JSON object is a result without an ID."""
    result = decode(bad)
    assert (result.custom_id, result.outcome) == (None, Outcome.ERRORED)
    assert (result.error or "").startswith("This result line is not")


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)
KEYS = ("choices", "output", "data", "usage", "status", "error", "model")


@given(body=st.dictionaries(st.sampled_from(KEYS), json_values), status=json_values)
def test_never_raises(body: dict[str, Any], status: Any) -> None:
    """Whatever a line holds, decoding it gives a result."""
    record = {"custom_id": "a", "response": {"status_code": status, "body": body}}
    for code in (status, 200):
        record["response"]["status_code"] = code
        try:
            encoded = orjson.dumps(record)
        except TypeError:  # an integer beyond 64 bits
            continue
        assert decode(encoded).custom_id == "a"
