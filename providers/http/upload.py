"""Uploads request files of any size in constant memory."""

from __future__ import annotations

import io
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2

from ...errors import InputError, UnreachableError
from ..base import Progress

__all__ = ["RequestsBody", "UploadFile"]

_BLOCK_BYTES = 1 << 16
_HEAD = b'{"requests":['
_TAIL = b"]}"


class UploadFile(io.BufferedReader):
    """A request file that reports progress as it is read."""

    def __init__(self, path: Path, progress: Progress | None) -> None:
        super().__init__(_open(path), _BLOCK_BYTES)
        self._progress = progress
        self._total_bytes = os.fstat(self.fileno()).st_size

    def read(self, size: int | None = -1, /) -> bytes:
        """Read a block, and report progress."""
        block = super().read(size)
        if self._progress:
            self._progress(self.tell(), self._total_bytes)
        return block


class RequestsBody:
    """The body `{"requests":[...]}` made of a request file's lines as it is sent.

    It can be iterated again from the start, has a known length, and gives up on a
    deadline: a body that is cut short creates nothing.
    """

    def __init__(
        self,
        path: Path,
        *,
        seconds: float,
        progress: Progress | None = None,
        head: bytes = _HEAD,
    ) -> None:
        self._head = head
        self._path = path
        self._progress = progress
        self._seconds = seconds
        with _open(path) as file:
            self._size_bytes = _size_without_end(file)
        self.length = len(head) + self._size_bytes + len(_TAIL)

    def __iter__(self) -> Iterator[bytes]:
        """Yield the body in blocks."""
        deadline = time.monotonic() + self._seconds
        yield self._head
        with _open(self._path) as file:
            left = self._size_bytes
            while left and (block := file.read(min(left, _BLOCK_BYTES))):
                self._check(deadline)
                # A JSON line holds no raw newline, so each one is between lines.
                yield block.replace(b"\n", b",")
                left -= len(block)
                if self._progress:
                    self._progress(self._size_bytes - left, self._size_bytes)
        self._check(deadline)  # its last bytes are those that create the batch
        yield _TAIL

    def post(self, client: Any, path: str, limits: httpx2.Timeout) -> httpx2.Response:
        """Send it with an SDK's client, once.

        The `create` of an SDK takes every request as an object.
        """
        headers = {
            "Content-Type": "application/json",
            "Content-Length": str(self.length),
        }
        options = {"headers": headers, "max_retries": 0, "timeout": limits}
        response: httpx2.Response = client.post(
            path, cast_to=httpx2.Response, content=self, options=options
        )
        return response

    def _check(self, deadline: float) -> None:
        if time.monotonic() > deadline:
            raise UnreachableError(
                f"Sending {self._size_bytes / 1e6:.0f} MB took more than"
                f" {self._seconds:.0f} s, so it was given up and no batch was"
                " created; set BATCHWRIGHT_HTTP_TIMEOUT_SECONDS higher, or make"
                " smaller batches."
            )


def _open(path: Path) -> io.FileIO:
    try:
        return io.FileIO(path)
    except OSError as exc:
        raise InputError(f"{path} cannot be read: {exc.strerror}.") from exc


def _size_without_end(file: io.FileIO) -> int:
    """Return the size up to the last line's last character."""
    size = file.seek(0, os.SEEK_END)
    start = file.seek(max(0, size - _BLOCK_BYTES))
    return start + len(file.read().rstrip())
