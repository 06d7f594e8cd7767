"""Ordinary lines of Anthropic's results: a message that ended as it should.

Nearly all lines are, and typed decoding reads of them only what a result holds, in
a third of the time. Whatever is out of the ordinary is left to `decode_line`.
"""

from __future__ import annotations

import msgspec

from ..models import BatchResult, Outcome, Usage

__all__ = ["decode_plain"]


class _Block(msgspec.Struct, gc=False):
    type: str
    text: str | None = None
    input: msgspec.Raw = msgspec.Raw()


class _Usage(msgspec.Struct, gc=False):
    input_tokens: int
    output_tokens: int
    cache_creation_input_tokens: int | None = None
    cache_read_input_tokens: int | None = None


class _Message(msgspec.Struct, gc=False):
    model: str
    content: list[_Block]
    stop_reason: str
    usage: _Usage


class _Result(msgspec.Struct, gc=False, tag="succeeded"):
    message: _Message


class _Line(msgspec.Struct, gc=False):
    custom_id: str
    result: _Result


_decode = msgspec.json.Decoder(_Line).decode
_SUCCEEDED = Outcome.SUCCEEDED
_ENDED = frozenset({"end_turn", "stop_sequence", "tool_use"})


def decode_plain(line: bytes) -> BatchResult | None:
    """Decode an ordinary line as `decode_line` would; None is no verdict.

    A tool's input stays as it is written.
    """
    try:
        record = _decode(line)
        message = record.result.message
        text = _text(message.content)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    if not text or message.stop_reason not in _ENDED:
        return None
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
