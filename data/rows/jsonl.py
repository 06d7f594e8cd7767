"""JSON lines input: each row keeps its bytes."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from itertools import compress, filterfalse
from pathlib import Path
from typing import Any

import msgspec
from upath import UPath

from ...errors import InputError
from ..columns import RESERVED
from .block import BLOCK_BYTES, RowBlock, refuse_reserved
from .text import bad_byte, open_bytes, open_text

__all__ = ["BOM", "JsonlSource"]

BOM = b"\xef\xbb\xbf"
_UTF8 = {"utf-8", "utf-8-sig"}


class JsonlSource:
    """Rows of files with one JSON object per line; blank lines are skipped."""

    columns = note = None
    store_suffix = ".jsonl"

    def __init__(self, files: Sequence[UPath], encoding: str | None) -> None:
        self._files = files
        self._encoding = encoding

    def blocks(self) -> Iterator[RowBlock]:
        """Yield rows as decoded objects, with their bytes."""
        row = 0
        for path in self._files:
            line = 1
            for read in _read(path, self._encoding):
                records = read
                lines: Sequence[int] = range(line, line + len(read))
                line += len(read)
                values, problem = _decode(records)
                if problem and any(map(bytes.isspace, read)):
                    records = [*filterfalse(bytes.isspace, read)]
                    lines = [*compress(lines, map(bytes.strip, read))]
                    values, problem = _decode(records)
                if not all(map(RESERVED.isdisjoint, values)):
                    for number, row_values in zip(lines, values, strict=False):
                        refuse_reserved(row_values, f"{path} line {number}")
                if values:
                    yield RowBlock(path, row, values, records, lines, "line {}")
                row += len(values)
                if problem:
                    if row == 0 and not records[0].lstrip().startswith(b"{"):
                        problem += " If the file is CSV, name it .csv."
                    where = f"{path} line {lines[len(values)]}"
                    raise InputError(f"{where} {problem}")

    def store(self, path: Path) -> _JsonlStore:
        """Return a new file for rows as bytes."""
        return _JsonlStore(path)


class _JsonlStore:
    def __init__(self, path: Path) -> None:
        self._file = path.open("wb")

    def add(self, records: Sequence[bytes]) -> None:
        self._file.write(b"".join(records))
        if not records[-1].endswith(b"\n"):
            self._file.write(b"\n")

    def close(self) -> None:
        with self._file:
            self._file.flush()
            os.fsync(self._file.fileno())


def _read(path: UPath, encoding: str | None) -> Iterator[list[bytes]]:
    """Yield the lines of each block of a file as UTF-8, without a leading BOM."""
    with open_bytes(path, encoding) as (file, codec):
        if codec in _UTF8:
            lines = file.readlines(BLOCK_BYTES)
            if lines:
                lines[0] = lines[0].removeprefix(BOM)
            while lines:
                yield lines
                lines = file.readlines(BLOCK_BYTES)
            return
    with open_text(path, encoding, "\n") as text:
        while texts := text.readlines(BLOCK_BYTES):
            yield [*map(str.encode, texts)]


def _decode(records: Sequence[bytes]) -> tuple[list[dict[str, Any]], str | None]:
    """Return the objects before the first bad line, and what is wrong with it."""
    values: list[Any] = []
    problem = None
    try:
        values.extend(map(msgspec.json.decode, records))  # exact integers of any size
    except RecursionError:
        problem = "is not JSON that can be read: it is nested too deeply."
    except ValueError as exc:
        problem = _problem(records[len(values)], exc)
    types = [*map(type, values)]
    if types.count(dict) < len(types):
        del values[next(n for n, each in enumerate(types) if each is not dict) :]
        problem = 'is not a JSON object; each line is one row, as in {"email": "..."}.'
    return values, problem


def _problem(line: bytes, exc: ValueError) -> str:
    try:
        line.decode()
    except UnicodeDecodeError as bad:
        return bad_byte(bad, len(line[: bad.start].decode()) + 1)
    if "out of range" in str(exc):
        return "has a number that no float can hold; make it text, in quotes."
    return f"is not JSON: {exc}."
