"""Ordinary Anthropic lines, read without decoding what surrounds the answer."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batchwright.providers.anthropic.decode import decode_line
from batchwright.providers.anthropic.plain import decode_plain

USAGE = {"input_tokens": 10, "output_tokens": 4}
CACHED = {**USAGE, "cache_read_input_tokens": 6, "cache_creation_input_tokens": None}
USE = {"type": "tool_use", "id": "t", "name": "answer", "input": {"a": [1, "ä"]}}
TEXT = {"type": "text", "text": "Hi"}


def _line(content: Any, stop: Any = "end_turn", usage: Any = USAGE) -> bytes:
    message = {"model": "claude-sonnet-5", "content": content, "stop_reason": stop}
    result = {"type": "succeeded", "message": {**message, "usage": usage}}
    record = {"custom_id": "r", "result": result}
    return json.dumps(record, ensure_ascii=False, separators=(",", ":")).encode()


@pytest.mark.parametrize(
    "line",
    [
        _line([TEXT]),
        _line([{"type": "thinking", "thinking": "Hm"}, TEXT, TEXT], usage=CACHED),
        _line([TEXT, USE], "tool_use"),
        _line([USE, {**USE, "input": {"a": 2}}]),
        _line([TEXT], "stop_sequence"),
    ],
)
def test_an_ordinary_line_is_read_at_once(line: bytes) -> None:
    """It gives what decoding gives."""
    assert decode_plain(line) == decode_line(line)


@pytest.mark.parametrize(
    "line",
    [
        _line([TEXT], "max_tokens"),
        _line([TEXT], "refusal"),
        _line([TEXT], "bored"),
        _line([TEXT], usage=None),
        _line([]),
        _line([7]),
        _line([{"type": "text"}]),
        _line([{"type": "tool_use"}]),
        _line([USE]).replace("ä".encode(), b"\\ud800"),
        _line([USE]).replace("ä".encode(), b"\xff"),
        _line([USE]).replace(b"[1,", b"[" * 9999),
        b'{"custom_id":"r","result":{"type":"expired"}}',
        b'{"custom_id":"r","response":null,"error":null}',
        b"{not json",
    ],
)
def test_what_is_not_ordinary_is_left_to_decoding(line: bytes) -> None:
    """Anything out of the ordinary is no verdict."""
    assert decode_plain(line) is None


def test_a_tool_input_keeps_every_digit() -> None:
    """It stays as it is written."""
    line = _line([USE]).replace(b"[1,", b"[1.10,123456789012345678901234567890,")
    result = decode_plain(line)
    assert result is not None
    assert result.text == '{"a":[1.10,123456789012345678901234567890,"ä"]}'


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=6,
)
_counts = st.one_of(st.none(), st.integers(), st.floats(), st.booleans(), st.text())
_blocks = st.fixed_dictionaries(
    {"type": st.sampled_from(["text", "tool_use", "thinking", 7])},
    optional={"text": st.one_of(st.none(), st.text()), "input": _json},
)
_usages = st.one_of(
    st.none(),
    st.dictionaries(
        st.sampled_from([*USAGE, "cache_read_input_tokens", "service_tier"]), _counts
    ),
)


@given(
    content=st.one_of(st.text(), st.lists(st.one_of(_blocks, st.just(TEXT)))),
    stop=st.sampled_from(["end_turn", "tool_use", "max_tokens", "refusal", None]),
    usage=_usages,
)
def test_it_never_says_anything_else_than_decoding(
    content: Any, stop: Any, usage: Any
) -> None:
    """Where it gives a result, that is the result, however its JSON is spelled."""
    try:
        line = _line(content, stop, usage)
    except UnicodeEncodeError:
        return  # a lone surrogate cannot stand in a UTF-8 file
    plain, whole = decode_plain(line), decode_line(line)
    if plain is None:
        return
    assert (plain.usage, plain.model, plain.outcome) == (
        whole.usage,
        whole.model,
        whole.outcome,
    )
    if plain.text != whole.text:
        assert json.loads(plain.text or "") == json.loads(whole.text or "")
