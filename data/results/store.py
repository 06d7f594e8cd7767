"""Bytes by number: in memory up to a limit, beyond it in a file."""

from __future__ import annotations

import mmap
from array import array
from collections.abc import Iterable, Sequence
from itertools import accumulate
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO

__all__ = ["MEMORY_BYTES", "Piece", "Store"]

Piece = bytes | memoryview

MEMORY_BYTES = 48 << 20
_BUFFER_BYTES = 1 << 20


class Store:
    """Pieces of bytes, numbered from 0 in the order in which they are appended.

    The file has no name (it is unlinked when it is made), so a crash leaves nothing.
    """

    def __init__(self, folder: Path, memory_bytes: int = MEMORY_BYTES) -> None:
        """Begin with nothing; the file lies in `folder` once there is one."""
        self._folder = folder
        self._memory_bytes = memory_bytes
        self._ends = array("q", [0])
        self._memory = bytearray()
        self._file: IO[bytes] | None = None
        self._mapped: mmap.mmap | None = None

    def append(self, pieces: Sequence[Piece]) -> None:
        """Append pieces."""
        start = self._ends.pop()
        self._ends.extend(accumulate(map(len, pieces), initial=start))
        if self._file is None and self._ends[-1] > self._memory_bytes:
            self._spill()
        if self._file is None:
            self._memory += b"".join(pieces)
        else:
            self._file.writelines(pieces)

    def take(self, numbers: Iterable[int]) -> list[memoryview]:
        """Return the pieces of these numbers, in this order; they are not copied."""
        ends, data = self._ends, self._data()
        return [data[ends[number] : ends[number + 1]] for number in numbers]

    def close(self) -> None:
        """Give the file up."""
        if self._file is not None:
            self._file.close()

    def _spill(self) -> None:
        file = TemporaryFile(dir=self._folder, buffering=_BUFFER_BYTES)  # noqa: SIM115 - `close` does
        file.write(self._memory)
        self._file = file
        self._memory = bytearray()

    def _data(self) -> memoryview:
        if self._file is None:
            return memoryview(self._memory)
        if self._mapped is None or len(self._mapped) < self._ends[-1]:
            self._file.flush()
            self._mapped = mmap.mmap(self._file.fileno(), 0, access=mmap.ACCESS_READ)
        else:
            # Pages that were read count as memory of this process until they are given
            # back; the system keeps them in its cache.
            self._mapped.madvise(mmap.MADV_DONTNEED)
        return memoryview(self._mapped)
