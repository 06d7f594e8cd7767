"""Creates batches whose requests are in the create call: its body may be large."""

from __future__ import annotations

import mmap
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import msgspec
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request

from ..engine.backend import Backend
from ..engine.store import BatchRow
from .api import ApiError, backend_of

__all__ = ["create_inline", "read_document"]

_Document = TypeVar("_Document")


async def create_inline(
    request: Request,
    row: BatchRow,
    max_bytes: int,
    add: Callable[[Backend, BatchRow, Path], BatchRow],
) -> BatchRow:
    """Create a batch and start it.

    Args:
        request: The create call.
        row: The batch, as far as it is known without the body.
        max_bytes: What the body may have.
        add: Checks the body in a file, and stores the requests and the batch.
    """
    backend = backend_of(request)
    body = backend.store.path(f"{row.id}.body")
    try:
        size = 0
        with body.open("wb") as file:
            async for block in request.stream():
                size += len(block)
                if size > max_bytes:
                    raise ApiError(413, "Request exceeds the maximum allowed size")
                file.write(block)
        try:
            row = await run_in_threadpool(add, backend, row, body)
        except (ApiError, OSError):
            backend.store.path(row.id).unlink(missing_ok=True)
            raise
    finally:
        body.unlink(missing_ok=True)
    backend.worker.start(row.id)
    return row


def read_document(path: Path, kind: type[_Document]) -> _Document:
    """Return a JSON document; what it keeps as raw JSON stays in the mapped file."""
    try:
        with path.open("rb") as file:
            view = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        return msgspec.json.decode(view, type=kind)
    except msgspec.ValidationError as exc:
        raise ApiError(400, f"requests: Field required ({exc})") from exc
    except RecursionError as exc:
        raise ApiError(400, "The request body is nested too deeply.") from exc
    except ValueError as exc:  # an empty file cannot be mapped
        raise ApiError(400, "The request body is not valid JSON.") from exc
