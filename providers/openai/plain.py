"""Fast decoding of the most common line of an output file: a finished chat completion.

Typed decoding skips the fields that no result needs, and takes a third of the time of
`decode_line`, which decodes all other lines.
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from ...models import BatchResult, Outcome, Usage
from ..lines import MAX_TOKENS

__all__ = ["decode_plain"]


class _Function(msgspec.Struct, gc=False):
    arguments: str


class _Call(msgspec.Struct, gc=False):
    function: _Function


class _Message(msgspec.Struct, gc=False):
    content: str | None = None
    tool_calls: list[_Call] | None = None
    refusal: None = None
    function_call: None = None


class _Choice(msgspec.Struct, gc=False):
    message: _Message
    finish_reason: Literal["stop", "tool_calls"]
    index: Literal[0] = 0


_Tokens = Annotated[int, msgspec.Meta(ge=0, le=MAX_TOKENS)]


class _Details(msgspec.Struct, gc=False):
    cached_tokens: _Tokens | None = None
    cache_write_tokens: _Tokens | None = None


class _Usage(msgspec.Struct, gc=False):
    prompt_tokens: _Tokens
    completion_tokens: _Tokens
    prompt_tokens_details: _Details | None = None


class _Body(msgspec.Struct, gc=False):
    choices: list[_Choice]
    model: str
    usage: _Usage


class _Response(msgspec.Struct, gc=False):
    status_code: Literal[200]
    body: _Body


class _Line(msgspec.Struct, gc=False):
    custom_id: str
    response: _Response
    error: None = None


_decode = msgspec.json.Decoder(_Line).decode
_NOT_PLAIN = (msgspec.DecodeError, UnicodeDecodeError, RecursionError, IndexError)
_SUCCEEDED = Outcome.SUCCEEDED


def decode_plain(line: bytes) -> BatchResult | None:
    """Decode a line as `decode_line` would; None leaves it to that function."""
    try:
        record = _decode(line)
        text = _text(record.response.body)
    except _NOT_PLAIN:
        return None
    if not text:
        return None
    body = record.response.body
    spent = body.usage
    cached = stored = 0
    if details := spent.prompt_tokens_details:
        cached, stored = details.cached_tokens or 0, details.cache_write_tokens or 0
        if cached + stored > spent.prompt_tokens:
            return None
    return BatchResult(
        record.custom_id,
        _SUCCEEDED,
        text,
        usage=Usage(spent.prompt_tokens, spent.completion_tokens, cached, stored),
        model=body.model,
    )


def _text(body: _Body) -> str | None:
    message = body.choices[0].message
    calls = message.tool_calls
    return calls[0].function.arguments if calls else message.content
