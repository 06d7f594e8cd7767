"""Fast decoding of the most common result line: a finished answer of Converse.

Bedrock repeats the request before the answer, which no result needs: only what begins
with the last `modelOutput` is decoded. Where that is no member of the line itself, the
rest of the line is no JSON, and `decode_line` decodes it as it does all other lines.
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from ...models import BatchResult, Outcome, Usage
from ..lines import MAX_TOKENS
from .decode import SCHEMA_ASKED, unfenced

__all__ = ["decode_plain"]

_Tokens = Annotated[int, msgspec.Meta(ge=0, le=MAX_TOKENS // 3)]


class _Block(msgspec.Struct, gc=False):
    text: str | None = None


class _Message(msgspec.Struct, gc=False):
    content: list[_Block]


class _Output(msgspec.Struct, gc=False):
    message: _Message


class _Usage(msgspec.Struct, gc=False, rename="camel"):
    input_tokens: _Tokens
    output_tokens: _Tokens
    cache_read_input_tokens: _Tokens | None = None
    cache_write_input_tokens: _Tokens | None = None


class _Answer(msgspec.Struct, gc=False, rename="camel"):
    output: _Output
    stop_reason: Literal["end_turn", "stop_sequence"]
    usage: _Usage


class _Line(msgspec.Struct, gc=False, rename="camel"):
    record_id: str
    model_output: _Answer
    error: None = None


_decode = msgspec.json.Decoder(_Line).decode
_NOT_PLAIN = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
_SUCCEEDED = Outcome.SUCCEEDED
_HEAD, _MEMBER = b'{"modelInput":', b'"modelOutput":'
_ASKED = SCHEMA_ASKED.encode()


def decode_plain(line: bytes) -> BatchResult | None:
    """Decode a line as `decode_line` would; None leaves it to that function."""
    start = line.rfind(_MEMBER) if line.startswith(_HEAD) else 0
    if start < 0:
        return None
    try:
        record = _decode(b"{" + line[start:] if start else line)
    except _NOT_PLAIN:
        return None
    answer = record.model_output
    blocks = answer.output.message.content
    if len(blocks) == 1:
        text = blocks[0].text
    else:
        text = "".join([block.text or "" for block in blocks])
    if not text:
        return None
    if "```" in text and _ASKED in line:
        text = unfenced(text)
    spent = answer.usage
    cached = spent.cache_read_input_tokens or 0
    stored = spent.cache_write_input_tokens or 0
    return BatchResult(
        record.record_id,
        _SUCCEEDED,
        text,
        usage=Usage(
            spent.input_tokens + cached + stored, spent.output_tokens, cached, stored
        ),
    )
