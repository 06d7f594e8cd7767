"""Fast decoding of the most common result line: a finished message.

Typed decoding skips the fields that no result needs, and takes a third of the time of
`decode_line`, which decodes all other lines.
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from ...models import BatchResult, Outcome, Usage
from ..lines import MAX_TOKENS

__all__ = ["decode_plain"]


class _Block(msgspec.Struct, gc=False):
    type: str
    text: str | None = None
    input: msgspec.Raw = msgspec.Raw()


_Tokens = Annotated[int, msgspec.Meta(ge=0, le=MAX_TOKENS // 3)]


class _Written(msgspec.Struct, gc=False):
    ephemeral_1h_input_tokens: _Tokens | None = None


class _Usage(msgspec.Struct, gc=False):
    input_tokens: _Tokens
    output_tokens: _Tokens
    cache_creation_input_tokens: _Tokens | None = None
    cache_read_input_tokens: _Tokens | None = None
    cache_creation: _Written | None = None


class _Message(msgspec.Struct, gc=False):
    content: list[_Block]
    stop_reason: Literal["end_turn", "stop_sequence", "tool_use"]
    model: str
    usage: _Usage


class _Result(msgspec.Struct, gc=False, tag="succeeded"):
    message: _Message


class _Line(msgspec.Struct, gc=False):
    custom_id: str
    result: _Result


_decode = msgspec.json.Decoder(_Line).decode
_NOT_PLAIN = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
_SUCCEEDED = Outcome.SUCCEEDED


def decode_plain(line: bytes) -> BatchResult | None:
    """Decode a line as `decode_line` would; None leaves it to that function.

    The input of a tool is kept as the JSON text that was received.
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
    written = spent.cache_creation
    hour = (written and written.ephemeral_1h_input_tokens) or 0
    if hour > stored:
        return None
    return BatchResult(
        record.custom_id,
        _SUCCEEDED,
        text,
        usage=Usage(
            spent.input_tokens + stored + cached,
            spent.output_tokens,
            cached,
            stored,
            hour,
        ),
        model=message.model,
    )


def _text(content: list[_Block]) -> str | None:
    texts: list[str] = []
    after_tool = False
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
            if after_tool:
                texts, after_tool = [], False
            texts.append(block.text)
        elif "tool" in block.type:
            after_tool = True
    return "".join(texts)
