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
from .text import open_bytes

__all__ = ["BOM", "JsonlSource"]

BOM = b"\xef\xbb\xbf"


class JsonlSource:
    """Rows of files with one JSON object per line; blank lines are skipped."""

    columns = None
    store_suffix = ".jsonl"

    def __init__(self, files: Sequence[UPath]) -> None:
        self._files = files

    def blocks(self) -> Iterator[RowBlock]:
        """Yield rows as decoded objects, with their bytes."""
        row = 0
        for path in self._files:
            line = 1
            for read in _read(path):
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
                    where = f"{path} line {lines[len(values)]}"
                    raise InputError(f"{where} is not {problem}")

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


def _read(path: UPath) -> Iterator[list[bytes]]:
    """Yield the lines of each block of a file, without a leading BOM."""
    with open_bytes(path) as file:
        lines = file.readlines(BLOCK_BYTES)
        if lines:
            lines[0] = lines[0].removeprefix(BOM)
        while lines:
            yield lines
            lines = file.readlines(BLOCK_BYTES)


def _decode(records: Sequence[bytes]) -> tuple[list[dict[str, Any]], str | None]:
    """Return the objects before the first bad line, and what is wrong with it."""
    values: list[Any] = []
    problem = None
    try:
        values.extend(map(msgspec.json.decode, records))  # exact integers of any size
    except RecursionError:
        problem = "JSON that can be read: it is nested too deeply."
    except ValueError as exc:
        problem = f"JSON: {exc}."
    types = [*map(type, values)]
    if types.count(dict) < len(types):
        del values[next(n for n, each in enumerate(types) if each is not dict) :]
        problem = 'a JSON object; each line is one row, as in {"email": "..."}.'
    return values, problem
