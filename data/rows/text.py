"""Opens text files: decompressed, and decoded."""

from __future__ import annotations

import codecs
import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import PurePosixPath
from typing import Any, Literal

from upath import UPath

from ...errors import InputError
from .block import MAX_ROW_BYTES, row_too_large
from .kinds import BINARY, HEAD_BYTES, JSON_LINES, TEXT, kind_of, no_table

__all__ = [
    "BOMS",
    "COMPRESSIONS",
    "bad_byte",
    "known_encoding",
    "open_bytes",
    "open_text",
]

COMPRESSIONS: dict[str, Literal["gzip", "zstd"]] = {".gz": "gzip", ".zst": "zstd"}
"""Suffixes of compressed files."""

BOMS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF32_LE: "utf-32",  # begins as that of UTF-16
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
"""The codec of each BOM."""

_READ_BYTES = 4 << 20
"""Size of one read; a remote store is fastest with few large reads."""
_SEARCH_BYTES = 1 << 16


def known_encoding(name: str) -> str:
    """Return the name of an encoding.

    Raises:
        ValueError: Python has no such encoding of text.
    """
    try:
        "".encode(name)  # `codecs.lookup` also finds those that are not of text
    except LookupError:
        raise ValueError(
            f"{name!r} is no text encoding of Python; it has cp1252, latin-1, utf-16,"
            " shift_jis, gb18030 and many others"
        ) from None
    return name


class _Lines(io.RawIOBase):
    """The bytes of a file none of whose lines is longer than a row may be.

    A compressed file of a few kilobytes can hold a line of gigabytes.
    """

    def __init__(self, path: UPath, file: Any, ends: Sequence[bytes]) -> None:
        self._path, self._file, self._ends = path, file, ends
        self._line = 1
        self._line_bytes = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        # `read` of Arrow's streams never frees its buffer where decompression fails.
        data = bytes(buffer[: self._file.readinto(buffer)])
        found = [data.find(end) for end in self._ends if end in data]
        self._line_bytes += min(found, default=len(data))
        if self._line_bytes > MAX_ROW_BYTES:
            raise row_too_large(f"{self._path} line {self._line}")
        if found:
            self._line += data.count(b"\n")
            self._line_bytes = len(data) - 1 - max(map(data.rfind, self._ends))
        return len(data)


@contextmanager
def open_bytes(
    path: UPath, encoding: str | None, ends: Sequence[bytes] = (b"\n",)
) -> Iterator[tuple[Any, str]]:
    """Open a file for reading, decompressed; yield it with the codec of its text.

    Args:
        path: The file.
        encoding: As the user names it; None for UTF-8. A BOM goes before.
        ends: What ends a line.

    Raises:
        InputError: It is no text, a line is over 32 MB, or reading in the block fails.
    """
    try:
        with _decompressed(path, ends) as file:
            head = file.peek(HEAD_BYTES)[:HEAD_BYTES]
            yield file, _codec(path, head, encoding)
    except OSError as exc:
        text = str(exc).rstrip(".")
        if PurePosixPath(path.name).suffix.lower() in COMPRESSIONS:
            text += "; it is damaged, cut off or not compressed as its name says"
        raise InputError(f"{path} cannot be read: {text}.") from exc


@contextmanager
def open_text(
    path: UPath, encoding: str | None, newline: Literal["", "\n"]
) -> Iterator[io.TextIOWrapper]:
    """Open a file for reading as text; `newline` is that of `open`.

    Raises:
        InputError: A byte is not in the encoding; the text names its line.
    """
    codec = ""
    ends = (b"\n",) if newline else (b"\n", b"\r")
    try:
        with open_bytes(path, encoding, ends) as (file, codec):
            yield io.TextIOWrapper(file, codec, newline=newline)
    except UnicodeError as exc:
        line, character = _place(path, codec)
        raise InputError(
            f"{path} line {line} {bad_byte(exc, character, codec)}"
        ) from exc


def bad_byte(exc: UnicodeError, character: int, codec: str = "utf-8") -> str:
    """Return what is wrong with a line, and the way out.

    Args:
        exc: What decoding raised.
        character: 1-based, in the line.
        codec: Of the file.
    """
    cause = str(exc)
    if isinstance(exc, UnicodeDecodeError):
        cause = f"byte {exc.object[exc.start]:#04x}"
    name = codec.removesuffix("-sig").upper() if codec.startswith("utf") else codec
    return (
        f"character {character} is not {name}: {cause}. Say which encoding the file has"
        " (--encoding cp1252 for most files of Windows), or save it as UTF-8."
    )


@contextmanager
def _decompressed(
    path: UPath, ends: Sequence[bytes] = (b"\n",)
) -> Iterator[io.BufferedReader]:
    with path.open("rb", buffering=_READ_BYTES) as opened:
        raw: Any = opened
        compression = COMPRESSIONS.get(PurePosixPath(path.name).suffix.lower())
        if compression is not None:
            import pyarrow as pa  # noqa: PLC0415 - takes 100 MB

            raw = pa.CompressedInputStream(raw, compression)
        yield io.BufferedReader(_Lines(path, raw, ends), _READ_BYTES)


def _codec(path: UPath, head: bytes, encoding: str | None) -> str:
    """Return the codec of a text file; refuse what is none."""
    kind = kind_of(head)
    for bom, codec in BOMS.items():
        if head.startswith(bom):
            family = codec.removesuffix("-sig")
            if encoding and not codecs.lookup(encoding).name.startswith(family):
                raise InputError(
                    f"{path} is not {encoding}: it begins with the BOM of"
                    f" {family.upper()}, so leave --encoding out."
                )
            if family != "utf-8":
                return codec
            break
    else:
        codec = encoding or "utf-8"
        if encoding and kind == BINARY:
            return codec
    if kind not in {TEXT, JSON_LINES}:
        raise no_table(path, kind)
    return codec


def _place(path: UPath, codec: str) -> tuple[int, int]:
    """Return line and character, both 1-based, of the first byte that is wrong."""
    decoder = codecs.getincrementaldecoder(codec)()
    line, last = 1, ""
    with _decompressed(path) as file:
        while chunk := file.read(_SEARCH_BYTES):
            before = decoder.getstate()
            try:
                text, is_bad = decoder.decode(chunk), False
            except UnicodeError:
                decoder.setstate(before)
                text, is_bad = "".join(_characters(decoder, chunk)), True
            line += text.count("\n")
            last = (last + text).rpartition("\n")[2]
            if is_bad:
                break
    return line, len(last) + 1


def _characters(decoder: codecs.IncrementalDecoder, chunk: bytes) -> Iterator[str]:
    for byte in chunk:
        try:
            yield decoder.decode(bytes([byte]))
        except UnicodeError:
            return
