"""A bare `httpx2` stream up and down: what no client can do without."""

from __future__ import annotations

import os
from pathlib import Path

import httpx2

__all__ = ["download", "upload"]

_BLOCK_BYTES = 1 << 20


def upload(url: str, path: str) -> None:
    """Send a file as the body of one call."""
    with httpx2.Client(timeout=600) as client, Path(path).open("rb") as file:
        size = str(os.fstat(file.fileno()).st_size)
        client.post(url, content=file, headers={"Content-Length": size})


def download(url: str, path: str) -> None:
    """Write one response to a file, synced as a download that lasts must be."""
    with (
        httpx2.Client(timeout=600) as client,
        client.stream("GET", url) as response,
        Path(path).open("wb") as file,
    ):
        file.writelines(response.iter_bytes(_BLOCK_BYTES))
        file.flush()
        os.fsync(file.fileno())
