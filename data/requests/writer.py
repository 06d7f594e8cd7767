"""Request files that are as full as a batch's limits allow, with their digests."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from ...errors import InputError
from ...providers import Limits

__all__ = ["RequestFile", "RequestWriter"]

_BUFFER_BYTES = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestFile:
    """A request file on this machine, complete and synced."""

    path: Path
    requests: int
    bytes: int
    digest: str
    """SHA-256 in hex."""


class RequestWriter:
    """Writes requests to `00000.jsonl`, `00001.jsonl` and so on in one folder."""

    def __init__(self, folder: Path, limits: Limits) -> None:
        self._folder = folder
        self._limits = limits
        self._done: list[RequestFile] = []
        self._file: BinaryIO | None = None
        self._requests = self._bytes = 0

    @property
    def requests_left(self) -> int:
        """How many requests the file that is being written may still take."""
        return self._limits.max_requests - self._requests

    def has_room(self, size: int, requests: int = 1) -> bool:
        """Whether the file that is being written has room for these requests."""
        fits = self._bytes + size <= self._limits.max_bytes
        return fits and requests <= self.requests_left

    def add(self, lines: bytes, requests: int = 1) -> RequestFile | None:
        """Append requests, to a new file if the last one is too full.

        Returns:
            The last file, if it was too full and is complete now.

        Raises:
            InputError: No batch can hold them.
        """
        if len(lines) > self._limits.max_bytes:
            raise InputError(
                f"A request has {len(lines):,} bytes, but one batch holds"
                f" {self._limits.max_bytes:,}; shorten it:"
                f" {lines[:60].decode(errors='replace')}..."
            )
        complete = None if self.has_room(len(lines), requests) else self.roll()
        if self._file is None:
            self._path = self._folder / f"{len(self._done):05}.jsonl"
            self._file = self._path.open("wb", buffering=_BUFFER_BYTES)
            self._digest = hashlib.sha256()
        self._file.write(lines)
        self._digest.update(lines)
        self._bytes += len(lines)
        self._requests += requests
        return complete

    def roll(self) -> RequestFile:
        """Complete the file that is being written; the next request begins another.

        Raises:
            InputError: It has too few requests for a batch.
        """
        if self._file is None:
            raise AssertionError("a file is begun by its first request")
        if self._requests < self._limits.min_requests:
            raise InputError(
                f"A batch would have {self._requests:,} requests, but one has at least"
                f" {self._limits.min_requests:,} here: give more rows, or another"
                " number of requests per batch. A run with `--finish-by 0` asks in"
                " realtime, and with `--reuse` only what has no answer yet."
            )
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()
        self._done.append(
            RequestFile(
                path=self._path,
                requests=self._requests,
                bytes=self._bytes,
                digest=self._digest.hexdigest(),
            )
        )
        self._file = None
        self._requests = self._bytes = 0
        return self._done[-1]

    def close(self) -> list[RequestFile]:
        """Complete the last file, and return all of them in order."""
        if self._file is not None:
            self.roll()
        return self._done

    def discard(self) -> None:
        """Close a file that will not be completed."""
        if self._file is not None:
            self._file.close()
