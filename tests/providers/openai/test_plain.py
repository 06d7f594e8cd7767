"""Ordinary result lines, read without decoding what surrounds the answer."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batchwright.providers.openai.decode import decode_line
from batchwright.providers.openai.plain import decode_plain

USAGE = {"prompt_tokens": 10, "completion_tokens": 4, "total_tokens": 14}
CACHED = {**USAGE, "prompt_tokens_details": {"cached_tokens": 6}}
CALL = {"function": {"name": "Answer", "arguments": '{"a":1}'}}


def _line(
    message: Any, finish: Any = "stop", usage: Any = USAGE, **response: Any
) -> bytes:
    choice = {"message": message, "finish_reason": finish}
    body = {"model": "gpt-5-mini", "choices": [choice], "usage": usage}
    record = {"status_code": 200, "body": body, **response}
    return json.dumps({"id": "x", "custom_id": "r", "response": record}).encode()


@pytest.mark.parametrize(
    "line",
    [
        _line({"content": "hello"}),
        _line({"content": "hello"}, usage=CACHED),
        _line({"content": None, "tool_calls": [CALL]}, "tool_calls"),
        _line({"content": "aside", "tool_calls": [CALL]}),
    ],
)
def test_an_ordinary_line_is_read_at_once(line: bytes) -> None:
    """It gives what decoding gives."""
    assert decode_plain(line) == decode_line(line)


@pytest.mark.parametrize(
    "line",
    [
        _line({"content": "cut"}, "length"),
        _line({"content": "withheld"}, "content_filter"),
        _line({"content": "no", "refusal": "I will not."}),
        _line({"content": ""}),
        _line({"content": [{"type": "text", "text": "parts"}]}),
        _line({"content": "hello"}, status_code=500),
        _line({"content": "hello"}, usage=None),
        _line({"content": "x"}, body={"choices": []}),
        b'{"custom_id":"r","error":{"code":"batch_expired"},"response":null}',
        b'{"custom_id":"r","result":{"type":"succeeded"}}',
        b"{not json",
        b'{"custom_id":"\xff"}',
    ],
)
def test_what_is_not_ordinary_is_left_to_decoding(line: bytes) -> None:
    """Anything out of the ordinary is no verdict."""
    assert decode_plain(line) is None


_counts = st.one_of(st.none(), st.integers(), st.floats(), st.booleans(), st.text())
_messages = st.fixed_dictionaries(
    {"content": st.one_of(st.none(), st.text(), st.lists(st.text(), max_size=1))},
    optional={
        "refusal": st.one_of(st.none(), st.text()),
        "tool_calls": st.sampled_from([None, [], [CALL], [{}], [CALL, CALL], {}]),
        "function_call": st.sampled_from([None, {}, CALL["function"]]),
    },
)
_usages = st.one_of(
    st.none(),
    st.fixed_dictionaries(
        {"prompt_tokens": _counts, "completion_tokens": _counts},
        optional={
            "prompt_tokens_details": st.one_of(
                st.none(),
                st.dictionaries(
                    st.sampled_from(["cached_tokens", "cache_write_tokens"]), _counts
                ),
            )
        },
    ),
)


@given(
    message=_messages,
    finish=st.sampled_from(["stop", "tool_calls", "length", "function_call", None]),
    usage=_usages,
    status=st.sampled_from([200, 200.0, 500, "200", None]),
)
def test_it_never_says_anything_else_than_decoding(
    message: Any, finish: Any, usage: Any, status: Any
) -> None:
    """Where it gives a result, that is the result."""
    line = _line(message, finish, usage, status_code=status)
    plain = decode_plain(line)
    assert plain is None or plain == decode_line(line)
