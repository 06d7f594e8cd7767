"""Opens text files: decompressed, and decoded as UTF-8 or, by its BOM, UTF-16."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import PurePosixPath
from typing import Any, Literal

from upath import UPath

from ...errors import InputError
from .block import MAX_ROW_BYTES, row_too_large

__all__ = ["COMPRESSIONS", "open_bytes", "open_text"]

COMPRESSIONS: dict[str, Literal["gzip", "zstd"]] = {".gz": "gzip", ".zst": "zstd"}
"""Suffixes of compressed files."""

_READ_BYTES = 4 << 20
"""Size of one read; a remote store is fastest with few large reads."""
_UTF8 = "utf-8-sig"
_UTF16_BOMS = (b"\xff\xfe", b"\xfe\xff")


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
        data = self._file.read(len(buffer))
        found = [data.find(end) for end in self._ends if end in data]
        self._line_bytes += min(found, default=len(data))
        if self._line_bytes > MAX_ROW_BYTES:
            raise row_too_large(f"{self._path} line {self._line}")
        if found:
            self._line += data.count(b"\n")
            self._line_bytes = len(data) - 1 - max(map(data.rfind, self._ends))
        buffer[: len(data)] = data
        return len(data)


@contextmanager
def open_bytes(
    path: UPath, ends: Sequence[bytes] = (b"\n",)
) -> Iterator[io.BufferedReader]:
    """Open a file for reading; a compressed one is decompressed.

    Args:
        path: The file.
        ends: What ends a line in it.

    Raises:
        InputError: Reading in the block fails, or a line is over 32 MB.
    """
    try:
        with path.open("rb", buffering=_READ_BYTES) as opened:
            raw: Any = opened
            compression = COMPRESSIONS.get(PurePosixPath(path.name).suffix.lower())
            if compression is not None:
                import pyarrow as pa  # noqa: PLC0415 - takes 100 MB

                raw = pa.CompressedInputStream(raw, compression)
            yield io.BufferedReader(_Lines(path, raw, ends), _READ_BYTES)
    except OSError as exc:
        raise InputError(f"{path} cannot be read: {exc}.") from exc


@contextmanager
def open_text(path: UPath) -> Iterator[io.TextIOWrapper]:
    """Open a file for reading as text, with its newlines as they are.

    Raises:
        InputError: A byte is not in the encoding; the text names its line.
    """
    encoding = _UTF8
    try:
        with open_bytes(path, (b"\n", b"\r")) as file:
            if file.peek(2)[:2] in _UTF16_BOMS:
                encoding = "utf-16"
            yield io.TextIOWrapper(file, encoding, newline="")
    except UnicodeError as exc:
        where = f" line {_bad_line(path)}" if encoding == _UTF8 else ""
        name = "UTF-8" if encoding == _UTF8 else "UTF-16"
        raise InputError(
            f"{path}{where} is not {name}: {_cause(exc)}; save the file as UTF-8."
        ) from exc


def _bad_line(path: UPath) -> int:
    """Return the number of the first line that is not UTF-8."""
    with open_bytes(path) as file:
        for number, line in enumerate(file, start=1):
            try:
                line.decode()
            except UnicodeDecodeError:
                return number
    raise AssertionError("a file that was not UTF-8 has such a line")


def _cause(exc: UnicodeError) -> str:
    if isinstance(exc, UnicodeDecodeError):
        return f"byte {exc.object[exc.start]:#04x}"
    return str(exc)
