"""Tests of long result lines: in little memory they say what they say at once."""

from __future__ import annotations

import json
from typing import Any

import pytest

from batchwright.data.results.long_lines import LONG, decode_long
from batchwright.models import Outcome
from batchwright.providers import get_format

TEXTS = {
    "ascii": "x",
    "two bytes": "я",
    "four bytes": "🙁",
    "one of many": "x" * 999 + "🙁",
    "quotes": '{"a": "b\\n", ',
    "lines": "one\r\ntwo\u2028",
}


def lines(text: str, *, ascii_only: bool) -> dict[str, bytes]:
    """Return result lines with a text in different places."""
    usage = {"prompt_tokens": 1, "completion_tokens": 2}

    def openai(body: dict[str, Any], custom_id: str = "a", **more: Any) -> Any:
        body = {"model": "gpt-x", "usage": usage} | body
        response = {"status_code": 200, "request_id": "r", "body": body}
        return {"custom_id": custom_id, "response": response, "error": None} | more

    def message(**members: Any) -> Any:
        choice = {"message": {"role": "assistant"} | members, "finish_reason": "stop"}
        return {"choices": [choice]}

    call = {"function": {"name": "f", "arguments": text}}
    parts = [{"type": "output_text", "text": text}] * 2
    output = [{"type": "message", "content": parts}]
    answer = {
        "model": "claude-x",
        "usage": {"input_tokens": 1, "output_tokens": 2},
        "stop_reason": "end_turn",
    }
    records = {
        "content": openai(message(content=text)),
        "tool": openai(message(tool_calls=[call])),
        "refusal": openai(message(refusal=text)),
        "parts": openai({"output": output, "status": "completed"}),
        "custom_id": openai(message(content="short"), text),
        "error": {"custom_id": "a", "response": None, "error": {"message": text}},
        "key": openai(message(content="short"), **{text: 1}),
    }
    for name, content in {
        "anthropic text": {"type": "text", "text": text},
        "anthropic input": {"type": "tool_use", "input": {"text": text}},
    }.items():
        result = {"type": "succeeded", "message": answer | {"content": [content]}}
        records[name] = {"custom_id": "a", "result": result}
    return {
        name: json.dumps(record, ensure_ascii=ascii_only).encode() + b"\n"
        for name, record in records.items()
    }


@pytest.mark.parametrize("ascii_only", [False, True])
@pytest.mark.parametrize("kind", TEXTS)
def test_a_long_line_says_the_same(kind: str, *, ascii_only: bool) -> None:
    """Wherever the long text is and however it is written, the result is the same."""
    text = TEXTS[kind] * (5 * LONG // 4 // len(TEXTS[kind].encode()))
    for name, line in lines(text, ascii_only=ascii_only).items():
        fmt = get_format("anthropic" if "anthropic" in name else "openai")
        taken = [line]
        assert decode_long(taken, 0, fmt) == fmt.decode(line), name
        assert taken == [b""]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"middle", b"\xff"),
        (b"middle", b"\\ud83d"),
        (b"middle", b"\\x"),
        (b"middle", b"\x01"),
        (b"middle", b'"'),
        (b'"error"', b""),
    ],
)
def test_a_long_line_that_is_no_json_says_the_same(old: bytes, new: bytes) -> None:
    """Whether it can be saved or not, its result is that of a short one."""
    text = "x" * LONG + "middle" + "x" * LONG
    line = lines(text, ascii_only=True)["content"].replace(old, new)
    fmt = get_format("openai")
    assert decode_long([line], 0, fmt) == fmt.decode(line)


def test_a_text_is_decoded_whole() -> None:
    """A text of several pieces arrives with all its characters, and its usage."""
    text = 'Größe 🙁 \\ " \n' * (LONG // 4)
    for ascii_only in (False, True):
        line = lines(text, ascii_only=ascii_only)["content"]
        result = decode_long([line], 0, get_format("openai"))
        assert result.outcome is Outcome.SUCCEEDED
        assert result.text == text
        assert result.usage is not None
        assert result.usage.output_tokens == 2
