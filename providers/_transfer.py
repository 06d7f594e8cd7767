"""Request files up and result files down, whatever their size, in constant memory."""

from __future__ import annotations

import io
import json
import logging
import os
import secrets
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import httpx2

from ..errors import DownloadCutError, InputError, UnreachableError
from ._errors import reason
from .base import Progress

__all__ = ["RequestsBody", "ResultFile", "UploadFile", "received", "save_results"]

_logger = logging.getLogger(__name__)

_BLOCK_BYTES = 1 << 20
_SEND_BLOCK_BYTES = 1 << 16
_BOM = b"\xef\xbb\xbf"
_HEAD = b'{"requests":['
_TAIL = b"]}"


class UploadFile(io.BufferedReader):
    """A request file that tells how far it has been read."""

    def __init__(self, path: Path, progress: Progress | None) -> None:
        super().__init__(_open(path), _BLOCK_BYTES)
        self._progress = progress
        self._total_bytes = os.fstat(self.fileno()).st_size

    def read(self, size: int | None = -1, /) -> bytes:
        """Read, and say how far it is."""
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
        self, path: Path, *, seconds: float, progress: Progress | None = None
    ) -> None:
        self._path = path
        self._progress = progress
        self._seconds = seconds
        with _open(path) as file:
            self._size_bytes = _size_without_end(file)
        self.length = len(_HEAD) + self._size_bytes + len(_TAIL)

    def __iter__(self) -> Iterator[bytes]:
        """Yield the body in blocks."""
        deadline = time.monotonic() + self._seconds
        yield _HEAD
        with _open(self._path) as file:
            left = self._size_bytes
            while left and (block := file.read(min(left, _SEND_BLOCK_BYTES))):
                if time.monotonic() > deadline:
                    raise UnreachableError(
                        f"Sending {self._size_bytes / 1e6:.0f} MB took more than"
                        f" {self._seconds:.0f} s, so it was given up and no batch was"
                        " created; set BATCHWRIGHT_HTTP_TIMEOUT_SECONDS higher, or make"
                        " smaller batches."
                    )
                # A JSON line holds no raw newline, so each one is between lines.
                yield block.replace(b"\n", b",")
                left -= len(block)
                if self._progress:
                    self._progress(self._size_bytes - left, self._size_bytes)
        yield _TAIL


class ResultFile:
    """Result lines on their way into a file: no blank lines, no byte order mark."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.lines = 0
        self.bytes = 0
        """As received; blank lines are counted here but not written."""
        self.is_whole = False
        """Only a file that is whole gets its name."""

    def add(
        self,
        blocks: Iterable[bytes],
        *,
        name: str,
        promised_bytes: int | None = None,
        progress: Callable[[int], None] | None = None,
    ) -> None:
        """Append the lines of one download.

        Args:
            blocks: What arrives.
            name: What is downloaded, for messages.
            promised_bytes: Its size, if the provider told it.
            progress: Told of the bytes of all downloads so far.

        Raises:
            DownloadCutError: It ended early, or it is a web page.
        """
        start = self.bytes
        tail = bytearray()
        for block in blocks:
            is_first, data = self.bytes == start, block
            self.bytes += len(block)
            if is_first:
                data = block.removeprefix(_BOM)
                if data.lstrip().startswith(b"<"):
                    raise DownloadCutError(
                        f"{name} came as a web page instead of result lines; does a"
                        " proxy stand in between?"
                    )
            cut = data.rfind(b"\n") + 1
            tail += data[:cut]
            if cut:
                self._write(tail)
                tail.clear()
            tail += data[cut:]
            if progress:
                progress(self.bytes)
        arrived = self.bytes - start
        if promised_bytes and arrived != promised_bytes:
            raise DownloadCutError(
                f"{name} has {promised_bytes:,} bytes, but {arrived:,} arrived;"
                " download it again."
            )
        if not promised_bytes and not _is_document(tail):
            raise DownloadCutError(
                f"{name} broke off inside a line after {arrived:,} bytes; download it"
                " again."
            )
        self._write(tail)

    def _write(self, block: bytearray) -> None:
        lines = [line for line in block.split(b"\n") if line and not line.isspace()]
        self._file.writelines(line + b"\n" for line in lines)
        self.lines += len(lines)


def save_results(
    path: Path, fetch: Callable[[ResultFile], None], promised_lines: int, name: str
) -> int:
    """Fill a temporary file with `fetch`, sync it, rename it to `path`.

    With fewer lines than promised it is fetched once more: what comes out the same
    twice is all that the provider holds.

    Returns:
        The number of lines.

    Raises:
        DownloadCutError: Lines are missing, and not the same ones twice.
        InputError: `path` cannot be written.
    """
    earlier: tuple[int, int] | None = None
    for _ in range(2):
        with _replacing(path) as results:
            fetch(results)
            size = results.lines, results.bytes
            if results.lines >= promised_lines or size == earlier:
                results.is_whole = True
                if results.lines < promised_lines:
                    _logger.warning(
                        "%s holds %d lines, though the provider counts %d requests.",
                        name,
                        results.lines,
                        promised_lines,
                    )
        if results.is_whole:
            return results.lines
        earlier = size
    raise DownloadCutError(
        f"{name} came with {results.lines:,} of {promised_lines:,} lines; download it"
        " again."
    )


def received(response: httpx2.Response, name: str) -> Iterator[bytes]:
    """Yield the body of a streamed answer in blocks.

    Raises:
        DownloadCutError: The connection broke.
    """
    try:
        yield from response.iter_bytes(_BLOCK_BYTES)
    except httpx2.HTTPError as exc:
        raise DownloadCutError(
            f"{name} broke off after {response.num_bytes_downloaded:,} bytes"
            f" ({reason(exc)}); download it again."
        ) from exc


@contextmanager
def _replacing(path: Path) -> Iterator[ResultFile]:
    part = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    try:
        with part.open("xb", _BLOCK_BYTES) as file:
            results = ResultFile(file)
            yield results
            if results.is_whole:
                file.flush()
                os.fsync(file.fileno())
        if results.is_whole:
            part.replace(path)
    except OSError as exc:
        raise InputError(f"{path} cannot be written: {exc.strerror}.") from exc
    finally:
        part.unlink(missing_ok=True)


def _open(path: Path) -> io.FileIO:
    try:
        return io.FileIO(path)
    except OSError as exc:
        raise InputError(f"{path} cannot be read: {exc.strerror}.") from exc


def _size_without_end(file: io.FileIO) -> int:
    """Return the size up to the last line's last character."""
    size = file.seek(0, os.SEEK_END)
    start = file.seek(max(0, size - _SEND_BLOCK_BYTES))
    return start + len(file.read().rstrip())


def _is_document(tail: bytearray) -> bool:
    """Whether a last line without its newline is all there, however odd."""
    if not tail.strip():
        return True
    try:
        json.loads(tail.decode(errors="replace"), strict=False, parse_int=str)
    except (ValueError, RecursionError):
        return False
    return True
