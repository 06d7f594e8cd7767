"""Creates Anthropic's batches, with the checks that are made at once."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import orjson
from starlette.requests import Request

from ..engine.backend import Backend
from ..engine.store import BatchRow
from ..engine.timeline import queued
from ..http.api import ApiError, backend_of
from ..http.inline import create_inline, read_document

__all__ = ["create_batch"]

_CUSTOM_ID = re.compile(r"[a-zA-Z0-9_-]{1,64}")


class _Body(msgspec.Struct):
    requests: list[msgspec.Raw]


async def create_batch(request: Request) -> BatchRow:
    """Create a batch and start it; its body is read from a file, not from memory."""
    backend = backend_of(request)
    row = BatchRow(
        id=backend.new_batch_id("msgbatch_"),
        provider=request.state.vendor.name,
        account=request.state.account,
        created_at=backend.clock.now(),
        plan="{}",
        validated=True,
    )
    limit = backend.faults.limits.anthropic_bytes
    return await create_inline(request, row, limit, _add)


def _add(backend: Backend, row: BatchRow, body: Path) -> BatchRow:
    """Check the requests, store them as lines, and add the batch."""
    path = backend.store.path(row.id)
    total, first_custom_id = _store_requests(backend, body, path)
    _check_queue(backend, row, total)
    row = replace(
        row,
        total=total,
        first_custom_id=first_custom_id,
        plan=backend.new_plan(row.provider),
    )
    backend.store.add(row)
    return row


def _store_requests(backend: Backend, body: Path, path: Path) -> tuple[int, str]:
    maximum = backend.faults.limits.anthropic_requests
    seen: dict[str, int] = {}
    with path.open("wb") as target:
        for number, item in enumerate(_read_items(body, maximum)):
            custom_id = _check_item(number, item)
            if custom_id in seen:
                raise ApiError(
                    400,
                    f"requests.{number}.custom_id: custom_id must be unique within a"
                    f" batch; {custom_id!r} is also that of request {seen[custom_id]}",
                )
            seen[custom_id] = number
            target.write(orjson.dumps(item) + b"\n")
    if not seen:
        raise ApiError(400, "requests: List should have at least 1 item")
    return len(seen), next(iter(seen))


def _read_items(body: Path, maximum: int) -> Iterator[Any]:
    """Yield the requests, decoded one by one."""
    items = read_document(body, _Body).requests
    if len(items) > maximum:
        text = f"requests: List should have at most {maximum} items"
        raise ApiError(413, text)
    try:
        for item in items:
            yield orjson.loads(memoryview(item))
    except ValueError as exc:
        raise ApiError(400, "The request body is not valid JSON.") from exc


def _check_item(number: int, item: Any) -> str:
    """Return the `custom_id` of a request, if the request has the right members."""
    where = f"requests.{number}"
    if not isinstance(item, dict):
        raise ApiError(400, f"{where}: Input should be an object")
    custom_id = item.get("custom_id")
    if not isinstance(custom_id, str):
        raise ApiError(400, f"{where}.custom_id: Field required")
    if not _CUSTOM_ID.fullmatch(custom_id):
        pattern = "'^[a-zA-Z0-9_-]{1,64}$'"
        text = f"{where}.custom_id: String should match pattern {pattern}"
        raise ApiError(400, text)
    if not isinstance(item.get("params"), dict):
        raise ApiError(400, f"{where}.params: Field required")
    if extra := item.keys() - {"custom_id", "params"}:
        raise ApiError(400, f"{where}.{min(extra)}: Extra inputs are not permitted")
    return custom_id


def _check_queue(backend: Backend, new: BatchRow, total: int) -> None:
    """Refuse a batch that exceeds the limit on requests in open batches."""
    limits = backend.faults.limits
    limit = limits.anthropic_queued_requests
    if limit is None:
        return
    rows = backend.store.select(BatchRow, provider=new.provider, account=new.account)
    now = backend.clock.now()
    if queued(rows, "total", now, limits.release_lag_seconds) + total > limit:
        raise ApiError(
            429,
            f"This request would exceed your organization's limit of {limit} batch"
            " requests in the processing queue.",
            headers={"retry-after": "1"},
        )
