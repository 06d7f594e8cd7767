"""Where in the result files the lines of each row stand: some 25 bytes a line.

Files of an ordinary shard are held; one beyond `_HELD_BYTES` is read line by line where
it stands.
"""

from __future__ import annotations

import io
import os
import re
from array import array
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import accumulate, compress
from operator import not_
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, NamedTuple, Self

from ..models import Anomaly
from ..providers import Format
from .custom_id import parse_row_id

__all__ = ["LineBlock", "ResultFile", "ResultIndex"]

_Read = Callable[[int, int], bytes]

_SHOWN_IDS = 20
_HELD_BYTES = 72 << 20
_READ_BYTES = 1 << 20
_BLOCK_BYTES = 1 << 18


@dataclass(frozen=True, slots=True)
class ResultFile:
    """Raw result lines of one batch, as downloaded."""

    path: Path
    batch_id: str | None


class LineBlock(NamedTuple):
    """The result lines of neighbouring rows, row by row, oldest file first."""

    lines: list[bytes]
    batch_ids: list[str | None]
    """Of each line."""
    counts: list[int]
    """How many lines each row has."""
    size_bytes: int


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
        self._last: dict[int, int] = {}
        self._next: dict[int, int] = {}
        self._file_of = array("i")
        self._offsets = array("q")
        self._lengths = array("q")
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
            size = file.path.stat().st_size
            if size <= left:
                left -= size
                # In one piece, which goes back to the system when the shard is done.
                data = file.path.read_bytes()
                self._scan(number, io.BytesIO(data))
                self._readers.append(partial(_from_memory, data))
            else:
                with file.path.open("rb", buffering=1 << 20) as opened:
                    self._scan(number, opened)
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

    def block(self, row: int, most: int) -> LineBlock:
        """Return the lines of some rows, at least one, and of no more than `most`."""
        lines: list[bytes] = []
        batch_ids: list[str | None] = []
        counts = []
        start = row - self._first_row
        size = 0
        for first in self._first[start : start + most]:
            entry = first
            before = len(lines)
            while entry >= 0:
                number = self._file_of[entry]
                length = self._lengths[entry]
                lines.append(self._readers[number](self._offsets[entry], length))
                batch_ids.append(self._files[number].batch_id)
                size += length
                entry = self._next.get(entry, -1)
            counts.append(len(lines) - before)
            if size > _BLOCK_BYTES:
                break
        return LineBlock(lines, batch_ids, counts, size)

    def _scan(self, number: int, file: BinaryIO) -> None:
        offset = 0
        while lines := file.readlines(_READ_BYTES):
            matches = map(self._start.match, lines)
            rows = [
                int(found[1]) - self._first_row if found else self._row_of(line)
                for line, found in zip(lines, matches, strict=True)
            ]
            ours = [0 <= row < len(self._first) for row in rows]
            if not all(ours):
                for line in compress(lines, map(not_, ours)):
                    self._count_foreign(line)
                rows = [*compress(rows, ours)]
            self._link(rows)
            self._file_of.extend([number] * len(rows))
            starts = [*accumulate(map(len, lines), initial=offset)]
            offset = starts.pop()
            self._offsets.extend(compress(starts, ours))
            self._lengths.extend(map(len, compress(lines, ours)))

    def _link(self, rows: list[int]) -> None:
        """Put new lines, one for each of these rows, behind those that there are."""
        first = self._first
        for entry, row in enumerate(rows, len(self._offsets)):
            if first[row] < 0:
                first[row] = entry
            else:
                self._next[self._last.get(row, first[row])] = entry
                self._last[row] = entry

    def _row_of(self, line: bytes) -> int:
        """Return the row within the shard, or a number that is none."""
        custom_id = self._format.decode(line).custom_id if line.strip() else None
        parsed = parse_row_id(custom_id, self._nonce)
        return -1 if parsed is None else parsed[0] - self._first_row

    def _count_foreign(self, line: bytes) -> None:
        if not line.strip():
            return
        self._foreign += 1
        if len(self._foreign_ids) < _SHOWN_IDS:
            self._foreign_ids.append(self._format.decode(line).custom_id or "(none)")


def _from_memory(data: bytes, offset: int, length: int) -> bytes:
    return data[offset : offset + length]


def _from_disk(handle: int, offset: int, length: int) -> bytes:
    return os.pread(handle, length, offset)
