"""Where in large result files the lines of each row stand: some 25 bytes a line."""

from __future__ import annotations

import os
import re
from array import array
from collections.abc import Sequence
from itertools import accumulate
from typing import BinaryIO, NamedTuple

from ...models import Anomaly, BatchResult
from ...providers import Format
from .row_results import RowIds

__all__ = ["ResultIndex", "RowResults"]

_READ_BYTES = 1 << 20
_BLOCK_BYTES = 1 << 18

# How both providers begin a line; any other spelling is decoded instead.
_START = re.compile(rb'\{(?:"id":"[^"\\]*",)?"custom_id":"([ !#-\[\]-~]*)"')


class RowResults(NamedTuple):
    """The results of neighbouring rows, row by row, oldest file first."""

    results: list[BatchResult]
    batch_ids: list[str | None]
    """Of each result."""
    counts: list[int]
    """How many results each row has."""
    size_bytes: int
    """Of their lines."""


class ResultIndex:
    """Results by row, in the order of their files, decoded when they are asked for."""

    def __init__(
        self,
        files: Sequence[tuple[BinaryIO, str | None]],
        fmt: Format,
        nonce: str,
        first_row: int,
        rows: int,
    ) -> None:
        """Read the files once; they are read again from, so they stay open."""
        self._files = files
        self._decode = fmt.decode
        self._first_row = first_row
        self._ids = RowIds(nonce, first_row, rows)
        # Lines are numbered as they come; those of a row are a chain.
        self._first = array("i", [-1]) * rows
        self._last: dict[int, int] = {}
        self._next: dict[int, int] = {}
        self._file_of = array("i")
        self._offsets = array("q")
        self._lengths = array("q")
        for number, (file, _) in enumerate(files):
            self._scan(number, file)

    @property
    def foreign(self) -> Anomaly:
        """Lines that answer none of our rows."""
        return self._ids.foreign

    def block(self, row: int, most: int) -> RowResults:
        """Return the results of some rows, at least one, and of no more than `most`."""
        results: list[BatchResult] = []
        batch_ids: list[str | None] = []
        counts: list[int] = []
        size = 0
        start = row - self._first_row
        for first in self._first[start : start + most]:
            entry = first
            before = len(results)
            while entry >= 0:
                file, batch_id = self._files[self._file_of[entry]]
                length, offset = self._lengths[entry], self._offsets[entry]
                results.append(self._decode(os.pread(file.fileno(), length, offset)))
                batch_ids.append(batch_id)
                size += length
                entry = self._next.get(entry, -1)
            counts.append(len(results) - before)
            if size > _BLOCK_BYTES:
                break
        return RowResults(results, batch_ids, counts, size)

    def _scan(self, number: int, file: BinaryIO) -> None:
        offset = 0
        while lines := file.readlines(_READ_BYTES):
            starts = [*accumulate(map(len, lines), initial=offset)]
            offset = starts.pop()
            found = [n for n, line in enumerate(lines) if not line.isspace()]
            rows = self._ids.rows([self._custom_id(lines[n]) for n in found])
            for row, index in zip(rows, found, strict=True):
                if row >= 0:
                    self._link(row)
                    self._file_of.append(number)
                    self._offsets.append(starts[index])
                    self._lengths.append(len(lines[index]))

    def _link(self, row: int) -> None:
        """Put a new line behind those that the row has."""
        entry = len(self._offsets)
        if self._first[row] < 0:
            self._first[row] = entry
        else:
            self._next[self._last.get(row, self._first[row])] = entry
            self._last[row] = entry

    def _custom_id(self, line: bytes) -> str | None:
        found = _START.match(line)
        return found[1].decode() if found else self._decode(line).custom_id
