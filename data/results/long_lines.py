"""Long result lines, decoded in little memory."""

from __future__ import annotations

import re
from collections.abc import Iterator

import msgspec

from ...models import BatchResult
from ...providers import Format
from ...providers.lines import slot

__all__ = ["LONG", "decode_long"]

LONG = 1 << 20
"""Bytes of a line, or of a text, that is not copied more often than need be."""

_EDGE = 1 << 16
"""Bytes at either end of a line, in which its long text begins and ends."""

_BETWEEN = re.compile(rb"[^\\]{12}(?![\x80-\xbf])", re.DOTALL)
"""Ends neither in a character nor in an escape, and no surrogate waits for another."""


def decode_long(lines: list[bytes], index: int, fmt: Format) -> BatchResult:
    """Decode a line; where it is long, an empty one takes its place in the list.

    A text that is most of it is decoded in pieces: at once, line, text and what a
    decoder needs between them would be there at the same time.
    """
    line = lines[index]
    if len(line) <= LONG:
        return fmt.decode(line)
    lines[index] = b""
    starts = [*_quotes(line, 0, _EDGE)]
    end = next(_quotes(line, len(line) - _EDGE, len(line)), 0)
    start = starts[-1] + 1 if len(starts) % 2 else end
    name = slot()
    result = fmt.decode(b"%b%b%b" % (line[:start], name.encode(), line[end:]))
    text = None
    if result.text == name and start < end:
        text = _decoded(line, start, end)
    if text is None:
        return fmt.decode(line)
    del line
    result.text = text.decode()
    return result


def _quotes(line: bytes, start: int, stop: int) -> Iterator[int]:
    """Yield the places of quotes that begin or end a text."""
    at = line.find(b'"', start, stop)
    while at >= 0:
        head = line[max(0, at - 64) : at]
        if (len(head) - len(head.rstrip(b"\\"))) % 2 == 0:
            yield at
        at = line.find(b'"', at + 1, stop)


def _decoded(line: bytes, start: int, end: int) -> bytearray | None:
    """Return what is between two quotes; None if that is no text in strict JSON."""
    text = bytearray()
    try:
        while start < end:
            found = _BETWEEN.search(line, start + LONG, end)
            stop = found.end() if found else end
            text += msgspec.json.decode(b'"%b"' % line[start:stop], type=str).encode()
            start = stop
    except (msgspec.DecodeError, UnicodeError):
        return None
    return text
