"""JSON lines as input: each row keeps the bytes it came with."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, BinaryIO

import orjson
from upath import UPath

from ..errors import InputError

__all__ = ["BOM", "JsonlSource", "read_lines"]

BOM = b"\xef\xbb\xbf"
_READ_BYTES = 4 << 20
"""At once; a store far away answers few large requests fastest."""


def read_lines(file: BinaryIO) -> Iterator[bytes]:
    """Yield every line, split on newline bytes alone, without a leading BOM."""
    first = file.readline()
    yield first.removeprefix(BOM)
    if first:
        yield from file


class JsonlSource:
    """One object per line; blank lines are skipped."""

    columns = None
    rows_name = "rows.jsonl"

    def __init__(self, files: Sequence[UPath]) -> None:
        self._files = files
        self._file = files[0]
        self._line = 0
        self._row = -1

    def rows(self) -> Iterator[tuple[dict[str, Any], bytes]]:
        """Yield the decoded object and its bytes, without surrounding space."""
        for path in self._files:
            self._file, self._line = path, 0
            with path.open("rb", buffering=_READ_BYTES) as file:
                for line in read_lines(file):
                    self._line += 1
                    record = line.strip()
                    if not record:
                        continue
                    self._row += 1
                    try:
                        values = orjson.loads(record)
                    except orjson.JSONDecodeError as exc:
                        raise InputError(f"{self.where()} is not JSON: {exc}.") from exc
                    if type(values) is not dict:
                        raise InputError(
                            f"{self.where()} is not a JSON object; each line is one"
                            ' row, as in {"email": "..."}.'
                        )
                    yield values, record

    def where(self) -> str:
        """Say in which file and line the row last yielded stands."""
        return f"{self._file} line {self._line} (row {self._row})"

    def store(self, path: Path) -> _JsonlStore:
        """Return a new file for the bytes of rows."""
        return _JsonlStore(path)


class _JsonlStore:
    def __init__(self, path: Path) -> None:
        self._file = path.open("wb", buffering=1 << 20)

    def add(self, record: bytes) -> None:
        self._file.write(record + b"\n")

    def close(self) -> None:
        with self._file:
            self._file.flush()
            os.fsync(self._file.fileno())
