"""Long result lines, decoded in little memory."""

from __future__ import annotations

import re

import msgspec

from ...models import BatchResult
from ...providers import Format
from ...providers.lines import slot

__all__ = ["LONG", "decode_long"]

LONG = 1 << 20
"""Bytes of a line, or of a text, that is not copied more often than need be."""

_QUOTE = re.compile(rb'(?<!\\)(?:\\\\)*"')
"""One that begins or ends a text. A pattern for whole texts would take more memory."""

_BETWEEN = re.compile(rb"[^\\]{12}(?![\x80-\xbf])", re.DOTALL)
"""Ends neither in a character nor in an escape, and no surrogate waits for another."""


def decode_long(lines: list[bytes], index: int, fmt: Format) -> BatchResult:
    """Decode a line; where it is long, an empty one takes its place in the list.

    The longest text in it is decoded in pieces: at once, line, text and what a decoder
    needs between them would be there at the same time.
    """
    line = lines[index]
    if len(line) <= LONG:
        return fmt.decode(line)
    lines[index] = b""
    quotes = [found.end() for found in _QUOTE.finditer(line)]
    texts = zip(quotes[::2], quotes[1::2], strict=False)
    start, end = max(texts, key=lambda text: text[1] - text[0], default=(1, 1))
    name = slot()
    result = fmt.decode(b'%b%b"%b' % (line[:start], name.encode(), line[end:]))
    text = None
    if result.text == name and end - start > LONG:
        text = _decoded(line, start, end - 1)
    if text is None:
        return fmt.decode(line)
    del line
    result.text = text.decode()
    return result


def _decoded(line: bytes, start: int, end: int) -> bytearray | None:
    """Return what the text between two quotes says; None if it is no strict JSON."""
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
