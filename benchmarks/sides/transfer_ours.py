"""Uploads and downloads through our providers, and so through the SDKs."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import anthropic
import anthropic.types.messages  # noqa: F401 - the same
import openai
import openai.types  # noqa: F401 - the same

from batchwright.models import Account, Batch, BatchStatus, Intent
from batchwright.providers import Provider, get_provider

__all__ = ["download", "upload"]


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
