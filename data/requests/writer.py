"""Request files that roll at the provider's limits, with their digests."""

from __future__ import annotations

import hashlib
from pathlib import Path

from ...errors import InputError
from ...providers import Limits
from ...runs.directory.records import UnitPlan

__all__ = ["RequestWriter"]


class RequestWriter:
    """Writes the request files of one round, as few as the limits allow."""

    def __init__(self, folder: Path, limits: Limits, number: int) -> None:
        self._folder = folder
        self._limits = limits
        self._number = number
        self._done: list[tuple[UnitPlan, Path]] = []
        self._requests = 0
        self._bytes = 0

    def add(self, line: bytes) -> None:
        """Append one request; it starts a new file where the last one is full.

        Raises:
            InputError: No batch can hold it.
        """
        if len(line) > self._limits.max_bytes:
            raise InputError(
                f"A request has {len(line):,} bytes, but one batch holds"
                f" {self._limits.max_bytes:,}: {line[:60].decode(errors='replace')}..."
            )
        full = self._requests == self._limits.max_requests
        over = self._bytes + len(line) > self._limits.max_bytes
        if self._requests and (full or over):
            self._roll()
        if not self._requests:
            self._path = self._folder / f"round-{len(self._done):05}"
            self._file = self._path.open("wb", buffering=1 << 20)
            self._digest = hashlib.sha256()
            self._bytes = 0
        self._file.write(line)
        self._digest.update(line)
        self._bytes += len(line)
        self._requests += 1

    def close(self) -> list[tuple[UnitPlan, Path]]:
        """Return each file with the unit that it is for."""
        if self._requests:
            self._roll()
        return self._done

    def _roll(self) -> None:
        self._file.close()
        plan = UnitPlan(
            path=f"rounds/{self._number}/{len(self._done):05}",
            requests=self._requests,
            bytes=self._bytes,
            digest=self._digest.hexdigest(),
        )
        self._done.append((plan, self._path))
        self._requests = 0
