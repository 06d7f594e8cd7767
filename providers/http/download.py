"""Downloads result files of any size in constant memory."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

import httpx2

from ...errors import DownloadCutError, visible
from ..lines import is_closed
from .errors import reason

__all__ = ["ResultFile", "save_results"]

_logger = logging.getLogger(__name__)

_BLOCK_BYTES = 1 << 20
_BOM = b"\xef\xbb\xbf"


class ResultFile:
    """Result lines on their way into a file: no blank lines, no byte order mark."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.lines = 0
        self.bytes = 0
        """As received; blank lines are counted here but not written."""
        self.is_proven = True
        """Whether HTTP or the promised size would have shown a cut."""

    def add(
        self,
        response: httpx2.Response,
        *,
        name: str,
        promised_bytes: int | None = None,
        progress: Callable[[int], None] | None = None,
    ) -> None:
        """Append the lines of one download.

        Args:
            response: The answer, its body not yet read.
            name: What is downloaded, for messages.
            promised_bytes: Its size, if the provider told it.
            progress: Told of the bytes of all downloads so far.

        Raises:
            DownloadCutError: It ended early, or it is a web page.
        """
        self.is_proven &= bool(promised_bytes) or _is_framed(response)
        start = self.bytes
        tail = bytearray()
        for block in _blocks(response, name):
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
            if cut:
                self._write(b"".join((tail, data[:cut])))
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
        if tail:
            self._write(bytes(tail) + b"\n")

    def add_lines(self, block: bytes) -> None:
        """Append lines that came inside another answer, which was read whole."""
        self.bytes += len(block)
        self._write(block)

    def _write(self, block: bytes) -> None:
        lines = io.BytesIO(block).readlines()
        if any(map(bytes.isspace, lines)):
            lines = [line for line in lines if not line.isspace()]
            block = b"".join(lines)
        self._file.write(block)
        self.lines += len(lines)


def save_results(
    path: Path, fetch: Callable[[ResultFile], None], promised_lines: int, name: str
) -> int:
    """Fill the file with `fetch`; after an error it is not whole.

    With fewer lines than promised it is fetched once more: what comes out the same
    twice is all that the provider holds.

    Returns:
        The number of lines.

    Raises:
        DownloadCutError: Lines are missing, and not the same ones twice.
    """
    earlier: tuple[int, int] | None = None
    for _ in range(2):
        with path.open("wb", _BLOCK_BYTES) as file:
            results = ResultFile(file)
            fetch(results)
        size = results.lines, results.bytes
        if results.lines >= promised_lines:
            return results.lines
        if results.is_proven and size == earlier:
            _logger.warning(
                "%s holds %d lines, though the provider counts %d requests.",
                visible(name),
                results.lines,
                promised_lines,
            )
            return results.lines
        earlier = size
    raise DownloadCutError(
        f"{name} came with {results.lines:,} of {promised_lines:,} lines; download it"
        " again."
    )


def _blocks(response: httpx2.Response, name: str) -> Iterator[bytes]:
    try:
        yield from response.iter_bytes(_BLOCK_BYTES)
    except httpx2.HTTPError as exc:
        raise DownloadCutError(
            f"{name} broke off after {response.num_bytes_downloaded:,} bytes"
            f" ({reason(exc)}); download it again."
        ) from exc


def _is_framed(response: httpx2.Response) -> bool:
    """Whether the body's end is marked, so that a closed connection is no end."""
    return (
        "content-length" in response.headers
        or "transfer-encoding" in response.headers
        or response.http_version == "HTTP/2"
    )


def _is_document(tail: bytearray) -> bool:
    """Whether a last line without its newline is all there, however odd."""
    if not tail.strip():
        return True
    try:
        json.loads(tail.decode(errors="replace"), strict=False, parse_int=str)
    except RecursionError:
        return is_closed(bytes(tail))
    except ValueError:
        return False
    return True
