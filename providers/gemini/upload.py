"""Uploads a request file of any size in parts, each of which can be sent again."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import httpx2

from ..base import Progress
from ..http.upload import UploadFile

__all__ = ["send_file"]

_PART_BYTES = 8 << 20
"""Parts but the last must be multiples of 256 KiB."""
_PAUSES = (0, 0.5, 2, 8)
"""Before each time that a part which did not arrive is sent again."""
_TYPE = "application/jsonl"
_PASSING = frozenset({408, 429})


def send_file(
    client: httpx2.Client, path: Path, progress: Progress | None
) -> httpx2.Response:
    """Return the answer to the last part, which describes the file.

    Raises:
        httpx2.HTTPError: The upload failed for good, or too often.
    """
    size = path.stat().st_size
    about = {"file": {"displayName": path.name, "mimeType": _TYPE}}
    root = client.base_url.path.removesuffix("v1/")
    start = client.post(
        client.base_url.copy_with(path=f"{root}upload/v1/files"),
        json=about,
        headers=_headers(
            "start",
            Protocol="resumable",
            **{
                "Header-Content-Length": str(size),
                "Header-Content-Type": _TYPE,
            },
        ),
    ).raise_for_status()
    # Whatever host it names, parts go to the one that has the key.
    named = httpx2.URL(start.headers.get("x-goog-upload-url", ""))
    url = client.base_url.copy_with(raw_path=named.raw_path)
    offset, pauses = 0, iter(_PAUSES)
    with UploadFile(path, progress) as file:
        while True:
            file.seek(offset)
            part = file.read(_PART_BYTES)
            is_last = offset + len(part) >= size
            command = "upload, finalize" if is_last else "upload"
            try:
                answer = _send(client, url, command, offset, part)
            except httpx2.HTTPError as exc:
                if not _is_passing(exc) or (pause := next(pauses, None)) is None:
                    raise
                time.sleep(pause)
                offset = _received(client, url)
                continue
            if is_last:
                return answer
            offset += len(part)


def _send(
    client: httpx2.Client, url: httpx2.URL, command: str, offset: int, part: bytes
) -> httpx2.Response:
    headers = _headers(command, Offset=str(offset))
    return client.post(url, content=part, headers=headers).raise_for_status()


def _received(client: httpx2.Client, url: httpx2.URL) -> int:
    """Return how many bytes have arrived.

    Raises:
        httpx2.TransportError: The upload cannot go on; it can be started anew.
    """
    answer = client.post(url, headers=_headers("query"))
    received = answer.headers.get("x-goog-upload-size-received", "")
    is_open = answer.headers.get("x-goog-upload-status") == "active"
    if not is_open or not received.isdecimal():
        raise httpx2.ReadError("the upload cannot go on", request=answer.request)
    return int(received)


def _headers(command: str, **more: Any) -> dict[str, str]:
    given = {"Command": command, **more}
    return {f"X-Goog-Upload-{name}": value for name, value in given.items()}


def _is_passing(exc: httpx2.HTTPError) -> bool:
    if not isinstance(exc, httpx2.HTTPStatusError):
        return isinstance(exc, httpx2.TransportError)
    status = exc.response.status_code
    return status in _PASSING or status >= 500  # noqa: PLR2004
