"""Ordinary lines of OpenAI's output files: a chat completion that ended as it should.

Nearly all lines are, and typed decoding reads of them only what a result holds, in
a third of the time. Whatever is out of the ordinary is left to `decode_line`.
"""

from __future__ import annotations

from typing import Generic, Literal, TypeVar

import msgspec

from ...models import BatchResult, Outcome, Usage

__all__ = ["decode_plain", "decode_plain_answer"]


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


class _Details(msgspec.Struct, gc=False):
    cached_tokens: int | None = None
    cache_write_tokens: int | None = None


class _Usage(msgspec.Struct, gc=False):
    prompt_tokens: int
    completion_tokens: int
    prompt_tokens_details: _Details | None = None


class _Answer(msgspec.Struct, gc=False):
    choices: list[_Choice]


class _Body(_Answer, gc=False):
    model: str
    usage: _Usage


_Kind = TypeVar("_Kind", bound=_Answer)


class _Response(msgspec.Struct, Generic[_Kind], gc=False):
    status_code: Literal[200]
    body: _Kind


class _Line(msgspec.Struct, Generic[_Kind], gc=False):
    custom_id: str
    response: _Response[_Kind]
    error: None = None


_decode = msgspec.json.Decoder(_Line[_Body]).decode
_decode_answer = msgspec.json.Decoder(_Line[_Answer]).decode
_NOT_PLAIN = (msgspec.DecodeError, UnicodeDecodeError, RecursionError, IndexError)
_SUCCEEDED = Outcome.SUCCEEDED


def decode_plain(line: bytes) -> BatchResult | None:
    """Decode an ordinary line as `decode_line` would; None is no verdict."""
    try:
        record = _decode(line)
        text = _text(record.response.body)
    except _NOT_PLAIN:
        return None
    if not text:
        return None
    body = record.response.body
    spent = body.usage
    cached = stored = None
    if details := spent.prompt_tokens_details:
        cached, stored = details.cached_tokens, details.cache_write_tokens
    return BatchResult(
        record.custom_id,
        _SUCCEEDED,
        text,
        usage=Usage(
            spent.prompt_tokens, spent.completion_tokens, cached or 0, stored or 0
        ),
        model=body.model,
    )


def decode_plain_answer(line: bytes) -> BatchResult | None:
    """Decode an ordinary line without model and usage; None is no verdict."""
    try:
        record = _decode_answer(line)
        text = _text(record.response.body)
    except _NOT_PLAIN:
        return None
    return BatchResult(record.custom_id, _SUCCEEDED, text) if text else None


def _text(body: _Answer) -> str | None:
    message = body.choices[0].message
    calls = message.tool_calls
    return calls[0].function.arguments if calls else message.content
