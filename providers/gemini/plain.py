"""Fast decoding of the most common result line: a finished answer of text.

Typed decoding skips the fields that no result needs, and takes a third of the time of
`decode_line`, which decodes all other lines.
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from ...models import BatchResult, Outcome, Usage
from ..lines import MAX_TOKENS

__all__ = ["decode_plain"]


class _Part(msgspec.Struct, gc=False, forbid_unknown_fields=True):
    text: str
    thought: bool = False
    thoughtSignature: msgspec.Raw = msgspec.Raw()  # noqa: N815 - of the wire


class _Content(msgspec.Struct, gc=False):
    parts: list[_Part]


class _Candidate(msgspec.Struct, gc=False, rename="camel"):
    content: _Content
    finish_reason: Literal["STOP"]


_Tokens = Annotated[int, msgspec.Meta(ge=0, le=MAX_TOKENS // 2)]


class _Usage(msgspec.Struct, gc=False, rename="camel"):
    prompt_token_count: _Tokens
    candidates_token_count: _Tokens
    thoughts_token_count: _Tokens = 0
    tool_use_prompt_token_count: _Tokens = 0
    cached_content_token_count: _Tokens = 0


class _Response(msgspec.Struct, gc=False, rename="camel"):
    candidates: list[_Candidate]
    usage_metadata: _Usage
    model_version: str


class _Line(msgspec.Struct, gc=False):
    key: str
    response: _Response
    error: None = None
    status: None = None


_decode = msgspec.json.Decoder(_Line).decode
_NOT_PLAIN = (msgspec.DecodeError, UnicodeDecodeError, RecursionError, IndexError)
_SUCCEEDED = Outcome.SUCCEEDED


def decode_plain(line: bytes) -> BatchResult | None:
    """Decode a line as `decode_line` would; None leaves it to that function."""
    try:
        record = _decode(line)
        parts = record.response.candidates[0].content.parts
    except _NOT_PLAIN:
        return None
    if len(parts) == 1:
        text = "" if parts[0].thought else parts[0].text
    else:
        text = "".join([part.text for part in parts if not part.thought])
    if not text:
        return None
    response = record.response
    spent = response.usage_metadata
    read = spent.prompt_token_count + spent.tool_use_prompt_token_count
    cached = spent.cached_content_token_count
    if cached > read:
        return None
    written = spent.candidates_token_count + spent.thoughts_token_count
    return BatchResult(
        record.key,
        _SUCCEEDED,
        text,
        usage=Usage(read, written, cached),
        model=response.model_version,
    )
