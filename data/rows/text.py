"""Opens text files: decompressed, and decoded as UTF-8 or, by its BOM, UTF-16."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import PurePosixPath
from typing import Any, Literal, cast

from upath import UPath

from ...errors import InputError

__all__ = ["COMPRESSIONS", "open_bytes", "open_text"]

COMPRESSIONS: dict[str, Literal["gzip", "zstd"]] = {".gz": "gzip", ".zst": "zstd"}
"""Suffixes of compressed files."""

_READ_BYTES = 4 << 20
"""Size of one read; a remote store is fastest with few large reads."""
_UTF8 = "utf-8-sig"
_UTF16_BOMS = (b"\xff\xfe", b"\xfe\xff")


@contextmanager
def open_bytes(path: UPath) -> Iterator[io.BufferedReader]:
    """Open a file for reading; a compressed one is decompressed.

    Raises:
        InputError: Reading in the block fails.
    """
    try:
        with path.open("rb", buffering=_READ_BYTES) as opened:
            raw: Any = opened
            compression = COMPRESSIONS.get(PurePosixPath(path.name).suffix.lower())
            if compression is not None:
                import pyarrow as pa  # noqa: PLC0415 - takes 100 MB

                raw = pa.CompressedInputStream(raw, compression)
            # The file objects of fsspec read the whole file in `readlines(hint)`.
            if not isinstance(raw, io.BufferedReader):
                raw = io.BufferedReader(cast("io.RawIOBase", raw), _READ_BYTES)
            yield raw
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
        with open_bytes(path) as file:
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
