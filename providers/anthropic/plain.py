"""Ordinary lines of Anthropic's results: a message that ended as it should.

Nearly all lines are, and typed decoding reads of them only what a result holds, in
a third of the time. Whatever is out of the ordinary is left to `decode_line`.
"""

from __future__ import annotations

from typing import Generic, Literal, TypeVar

import msgspec

from ...models import BatchResult, Outcome, Usage

__all__ = ["decode_plain", "decode_plain_answer"]


class _Block(msgspec.Struct, gc=False):
    type: str
    text: str | None = None
    input: msgspec.Raw = msgspec.Raw()


class _Usage(msgspec.Struct, gc=False):
    input_tokens: int
    output_tokens: int
    cache_creation_input_tokens: int | None = None
    cache_read_input_tokens: int | None = None


class _Answer(msgspec.Struct, gc=False):
    content: list[_Block]
    stop_reason: Literal["end_turn", "stop_sequence", "tool_use"]


class _Message(_Answer, gc=False):
    model: str
    usage: _Usage


_Kind = TypeVar("_Kind", bound=_Answer)


class _Result(msgspec.Struct, Generic[_Kind], gc=False, tag="succeeded"):
    message: _Kind


class _Line(msgspec.Struct, Generic[_Kind], gc=False):
    custom_id: str
    result: _Result[_Kind]


_decode = msgspec.json.Decoder(_Line[_Message]).decode
_decode_answer = msgspec.json.Decoder(_Line[_Answer]).decode
_NOT_PLAIN = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
_SUCCEEDED = Outcome.SUCCEEDED


def decode_plain(line: bytes) -> BatchResult | None:
    """Decode an ordinary line as `decode_line` would; None is no verdict.

    A tool's input stays as it is written.
    """
    try:
        record = _decode(line)
        text = _text(record.result.message.content)
    except _NOT_PLAIN:
        return None
    if not text:
        return None
    message = record.result.message
    spent = message.usage
    stored = spent.cache_creation_input_tokens or 0
    cached = spent.cache_read_input_tokens or 0
    return BatchResult(
        record.custom_id,
        _SUCCEEDED,
        text,
        usage=Usage(
            spent.input_tokens + stored + cached, spent.output_tokens, cached, stored
        ),
        model=message.model,
    )


def decode_plain_answer(line: bytes) -> BatchResult | None:
    """Decode an ordinary line without model and usage; None is no verdict."""
    try:
        record = _decode_answer(line)
        text = _text(record.result.message.content)
    except _NOT_PLAIN:
        return None
    return BatchResult(record.custom_id, _SUCCEEDED, text) if text else None


def _text(content: list[_Block]) -> str | None:
    texts = []
    for block in content:
        if block.type == "tool_use":
            written = bytes(block.input)
            # Half a character may be escaped, which no UTF-8 file can hold. (A
            # single byte is found eight times as fast as two.)
            if b"\\" in written and b"\\u" in written:
                return None
            return written.decode()
        if block.type == "text":
            if block.text is None:
                return None
            texts.append(block.text)
    return "".join(texts)
