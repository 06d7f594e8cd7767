"""Uploads and downloads through our providers, and so through the SDKs."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import anthropic
import anthropic.types.messages  # noqa: F401 - the same
import httpx2
import openai
import openai.types  # noqa: F401 - the same

from batchwright.models import Account, Batch, BatchStatus, Intent
from batchwright.providers import Provider, get_provider
from batchwright.providers.http.download import save_results

__all__ = ["download", "save", "upload"]


def _provider(name: str, url: str) -> Provider:
    return get_provider(name, url, "sandbox-key")


def upload(name: str, url: str, path: str) -> None:
    """Send a request file as this provider takes it."""
    provider = _provider(name, url)
    if name == "openai":
        provider.upload(Path(path))
    else:
        provider.create(
            Path(path),
            Intent(
                token="token",  # noqa: S106 - Anthropic's batches carry none
                claimed_at=datetime.now(UTC),
                requests=1,
                bytes=Path(path).stat().st_size,
                digest="",
                endpoint="/v1/messages",
                account=Account(base_url=url),
            ),
        )


def download(name: str, url: str, path: str, lines: str) -> None:
    """Write a batch's results to a file."""
    batch = Batch(
        id="msgbatch_0" if name == "anthropic" else "batch_0",
        provider=name,
        status=BatchStatus.ENDED,
        provider_status="completed" if name == "openai" else "ended",
        output_file_id="file-0",
        results_url="there",
    )
    written = _provider(name, url).download(batch, Path(path))
    if written != int(lines):
        raise AssertionError(f"{written} lines of {lines}")


class _Lines(httpx2.SyncByteStream):
    """Results of so many bytes, in one line or in short ones."""

    def __init__(self, size: int, *, long: bool) -> None:
        self._blocks = size >> 16
        self._block = (
            b"x" * (1 << 16) if long else (b'{"a":"' + b"x" * 120 + b'"}\n') * 508
        )

    def __iter__(self) -> Iterator[bytes]:
        yield b'{"a":"'
        for _ in range(self._blocks):
            yield self._block
        yield b'"}\n'


def save(path: str, size: str, lines: str) -> None:
    """Write results that are here already, `long` or `short`."""
    response = httpx2.Response(200, stream=_Lines(int(size), long=lines == "long"))
    save_results(Path(path), lambda out: out.add(response, name="It"), 0, "It")
