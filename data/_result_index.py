"""Where in the result files the lines of each row stand: some 25 bytes a line.

Files of an ordinary shard are read once and held; what is beyond `_HELD_BYTES` is
read line by line where it stands.
"""

from __future__ import annotations

import os
import re
from array import array
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Self

from ..models import Anomaly
from ..providers import Format
from .custom_id import parse_row_id

__all__ = ["ResultFile", "ResultIndex"]

_Read = Callable[[int, int], bytes]

_SHOWN_IDS = 20
_HELD_BYTES = 72 << 20


@dataclass(frozen=True, slots=True)
class ResultFile:
    """Raw result lines of one batch, as downloaded."""

    path: Path
    batch_id: str | None


class ResultIndex:
    """Result lines by row, in the order of their files; itself a context."""

    def __init__(
        self,
        files: Sequence[ResultFile],
        fmt: Format,
        nonce: str,
        first_row: int,
        rows: int,
    ) -> None:
        self._files = files
        self._format = fmt
        self._nonce = nonce
        self._first_row = first_row
        self._first = array("i", [-1]) * rows
        self._last = array("i", [-1]) * rows
        self._next = array("i")
        self._offsets = array("q")
        self._lengths = array("q")
        self._file_of = array("i")
        self._readers: list[_Read] = []
        self._handles: list[int] = []
        self._foreign = 0
        self._foreign_ids: list[str] = []
        # How both providers begin a line; any other spelling is decoded instead.
        self._start = re.compile(
            rb'\{(?:"id":"[^"\\]*",)?"custom_id":"%b-(\d{9})-\d+"' % nonce.encode()
        )

    def __enter__(self) -> Self:
        left = _HELD_BYTES
        for number, file in enumerate(self._files):
            self._scan(number, file.path)
            size = file.path.stat().st_size
            if size <= left:
                left -= size
                self._readers.append(_from_memory(file.path.read_bytes()))
            else:
                self._handles.append(os.open(file.path, os.O_RDONLY))
                self._readers.append(partial(_from_disk, self._handles[-1]))
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._readers.clear()
        while self._handles:
            os.close(self._handles.pop())

    @property
    def foreign(self) -> Anomaly:
        """Lines that answer none of our rows."""
        return Anomaly(count=self._foreign, first_ids=tuple(self._foreign_ids))

    def lines(self, row: int) -> list[tuple[bytes, str | None]]:
        """Return every result line of a row with its batch, oldest file first."""
        found = []
        entry = self._first[row - self._first_row]
        while entry >= 0:
            number = self._file_of[entry]
            line = self._readers[number](self._offsets[entry], self._lengths[entry])
            found.append((line, self._files[number].batch_id))
            entry = self._next[entry]
        return found

    def _scan(self, number: int, path: Path) -> None:
        offset = 0
        with path.open("rb", buffering=1 << 20) as file:
            for line in file:
                row = self._row_of(line)
                if row is not None:
                    self._add(row, number, offset, len(line))
                offset += len(line)

    def _row_of(self, line: bytes) -> int | None:
        """Return the row within the shard; None for a line that is not of it."""
        found = self._start.match(line)
        if found:
            row = int(found[1]) - self._first_row
            custom_id = None
        elif not line.strip():
            return None
        else:
            custom_id = self._format.decode(line).custom_id
            parsed = parse_row_id(custom_id, self._nonce)
            row = -1 if parsed is None else parsed[0] - self._first_row
        if 0 <= row < len(self._first):
            return row
        self._foreign += 1
        if len(self._foreign_ids) < _SHOWN_IDS:
            if found:
                custom_id = self._format.decode(line).custom_id
            self._foreign_ids.append(custom_id or "(none)")
        return None

    def _add(self, row: int, number: int, offset: int, length: int) -> None:
        entry = len(self._offsets)
        self._offsets.append(offset)
        self._lengths.append(length)
        self._file_of.append(number)
        self._next.append(-1)
        if self._first[row] < 0:
            self._first[row] = entry
        else:
            self._next[self._last[row]] = entry
        self._last[row] = entry


def _from_memory(data: bytes) -> _Read:
    return lambda offset, length: data[offset : offset + length]


def _from_disk(handle: int, offset: int, length: int) -> bytes:
    return os.pread(handle, length, offset)
