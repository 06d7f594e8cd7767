"""Request files that roll at the provider's limits, with their digests."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from ...errors import InputError
from ...providers import Limits

__all__ = ["RequestFile", "RequestWriter"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestFile:
    """A request file on this machine, and what is known of it."""

    path: Path
    requests: int
    bytes: int
    digest: str
    """SHA-256, hex."""


class RequestWriter:
    """Writes requests to files in one folder, as few as the limits allow."""

    def __init__(self, folder: Path, limits: Limits) -> None:
        self._folder = folder
        self._limits = limits
        self._done: list[RequestFile] = []
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
            self._path = self._folder / f"{len(self._done):05}.jsonl"
            self._file = self._path.open("wb", buffering=1 << 20)
            self._digest = hashlib.sha256()
            self._bytes = 0
        self._file.write(line)
        self._digest.update(line)
        self._bytes += len(line)
        self._requests += 1

    def close(self) -> list[RequestFile]:
        """Return the files, in order."""
        if self._requests:
            self._roll()
        return self._done

    def _roll(self) -> None:
        self._file.close()
        self._done.append(
            RequestFile(
                path=self._path,
                requests=self._requests,
                bytes=self._bytes,
                digest=self._digest.hexdigest(),
            )
        )
        self._requests = 0
