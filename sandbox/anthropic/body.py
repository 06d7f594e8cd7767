"""Reads Anthropic's create body, one JSON document of up to 256 MB, piece by piece."""

from __future__ import annotations

import codecs
import json
from collections.abc import Generator, Iterator
from typing import IO, Any

import orjson

__all__ = ["BodyError", "read_requests"]

_BLOCK = 1 << 20
_COMPACT = b'{"requests":['
_BETWEEN = b'},{"custom_id":'


class BodyError(ValueError):
    """The document is not JSON, or has no list of requests."""


def read_requests(file: IO[bytes]) -> Iterator[Any]:
    """Yield the members of `requests`, decoded, in order.

    Any valid JSON is read with no more in memory than one request and a block.
    Compact documents that start with `{"requests":[{"custom_id":` are read about
    five times as fast.

    Raises:
        BodyError: What is not JSON is found when the reader gets there.
    """
    start = file.read(len(_COMPACT))
    if start == _COMPACT:
        rest = yield from _read_compact(file)
        document = _Document(file, rest)
        yield from document.items()
        yield from document.members(first=False)
    else:
        yield from _Document(file, start).requests()


def _read_compact(file: IO[bytes]) -> Generator[Any, None, bytes]:
    """Cut at what stands between two compact requests; return what is left over.

    A cut inside a request makes half a JSON document, which never parses, so the
    next cut is tried: no valid document is ever read wrongly.
    """
    buffer = b""
    start, search = 0, 0
    while True:
        cut = buffer.find(_BETWEEN, search)
        if cut < 0:
            search = max(start, len(buffer) - len(_BETWEEN))
            block = file.read(_BLOCK)
            if not block:
                return buffer[start:]
            buffer = buffer[start:] + block
            search -= start
            start = 0
            continue
        try:
            item = orjson.loads(buffer[start : cut + 1])
        except orjson.JSONDecodeError:
            search = cut + 1
            continue
        yield item
        start = search = cut + 2


class _Document:
    """A window on a JSON document that slides forward."""

    def __init__(self, file: IO[bytes], head: bytes) -> None:
        self._file = file
        self._decode = codecs.getincrementaldecoder("utf-8")()
        self._json = json.JSONDecoder(parse_constant=_refuse)
        self._at = 0
        self._ended = False
        try:
            self._text = self._decode.decode(head)
        except UnicodeDecodeError as exc:
            raise BodyError("The request body is not valid JSON.") from exc

    def requests(self) -> Iterator[Any]:
        """Walk the whole document."""
        if self._next() != "{":
            raise BodyError("The request body is not a JSON object.")
        self._at += 1
        yield from self.members(first=True)

    def members(self, *, first: bool) -> Iterator[Any]:
        """Walk the members of the outermost object, up to its end."""
        found = not first
        while self._next() != "}":
            if not first:
                self._take(",")
            first = False
            key = self._value()
            self._take(":")
            if key == "requests" and self._next() == "[":
                found = True
                self._at += 1
                yield from self.items()
            else:
                self._value()
        self._at += 1
        if self._next():
            raise BodyError("The request body is not valid JSON.")
        if not found:
            raise BodyError("requests: Field required")

    def items(self) -> Iterator[Any]:
        """Yield the items of a list whose bracket is already open."""
        first = True
        while self._next() != "]":
            if not first:
                self._take(",")
            first = False
            yield self._value()
        self._at += 1

    def _next(self) -> str:
        """Return the next character that is not blank, or nothing at the end."""
        while True:
            rest = self._text[self._at : self._at + 64].lstrip(" \t\r\n")
            if rest:
                self._at = self._text.index(rest[0], self._at)
                return rest[0]
            self._at = min(self._at + 64, len(self._text))
            if self._at == len(self._text) and not self._more():
                return ""

    def _take(self, char: str) -> None:
        if self._next() != char:
            raise BodyError("The request body is not valid JSON.")
        self._at += 1

    def _value(self) -> Any:
        self._next()
        while True:
            try:
                value, end = self._json.raw_decode(self._text, self._at)
            except json.JSONDecodeError as exc:
                if not self._more():
                    raise BodyError("The request body is not valid JSON.") from exc
                continue
            except RecursionError as exc:
                raise BodyError("The request body is nested too deeply.") from exc
            if end == len(self._text) and self._more():
                continue
            self._at = end
            return value

    def _more(self) -> bool:
        """Let in another block, twice as much for every value that is not whole."""
        if self._ended:
            return False
        block = self._file.read(max(_BLOCK, len(self._text) - self._at))
        self._ended = not block
        try:
            text = self._decode.decode(block, final=self._ended)
        except UnicodeDecodeError as exc:
            raise BodyError("The request body is not valid JSON.") from exc
        self._text = self._text[self._at :] + text
        self._at = 0
        return bool(text) or not self._ended


def _refuse(word: str) -> Any:
    raise BodyError(f"The request body is not valid JSON: {word}.")
