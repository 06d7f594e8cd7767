"""Files of result lines, whosever they are."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import groupby
from typing import BinaryIO

import orjson

from ._jsonl_rows import BOM

__all__ = ["ResultBlock", "provider_of", "read_results"]

ResultBlock = tuple[str | None, int, list[bytes]]
"""Lines of one provider (None: of neither), and the 1-based number of the first."""

_BLOCK_BYTES = 1 << 18
"""Small enough that lines are still in the processor's cache when they are decoded."""

_BLANK = ""
# The two shapes as the providers write them; any other spelling is parsed.
_OPENAI = re.compile(rb'\{"id":"[^"]*","custom_id":"[^"]*","(?:response|error)":')
_ANTHROPIC = re.compile(rb'\{"custom_id":"[^"]*","result":\{')


def provider_of(line: bytes) -> str | None:
    """Return whose result line this is, by its shape; None for neither."""
    if _OPENAI.match(line):
        return "openai"
    if _ANTHROPIC.match(line):
        return "anthropic"
    try:
        fields = orjson.loads(line)
    except orjson.JSONDecodeError:
        return None
    if not isinstance(fields, dict) or "custom_id" not in fields:
        return None
    if isinstance(fields.get("result"), dict):
        return "anthropic"
    return "openai" if "response" in fields or "error" in fields else None


def read_results(file: BinaryIO) -> Iterator[ResultBlock]:
    """Yield all lines that are not blank, without surrounding space, in file order."""
    number = 1
    lines = file.readlines(_BLOCK_BYTES)
    if lines:
        lines[0] = lines[0].removeprefix(BOM)
    while lines:
        for provider, alike in groupby(map(bytes.strip, lines), _kind):
            block = [*alike]
            if provider != _BLANK:
                yield provider, number, block
            number += len(block)
        lines = file.readlines(_BLOCK_BYTES)


def _kind(line: bytes) -> str | None:
    return provider_of(line) if line else _BLANK
