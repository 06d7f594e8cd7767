"""Takes in Anthropic's batches, with the checks that are made at once."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request

from ..engine.backend import Backend
from ..engine.rows import BatchRow
from ..http.envelopes import ApiError, new_id
from .body import BodyError, read_requests

__all__ = ["create_batch"]

_CUSTOM_ID = re.compile(r"[a-zA-Z0-9_-]{1,64}")


async def create_batch(request: Request) -> BatchRow:
    """Take a batch in and start it; the body is never whole in memory."""
    backend: Backend = request.app.state.backend
    row = BatchRow(
        id=new_id("msgbatch_"),
        provider="anthropic",
        account=request.state.account,
        created_at=backend.clock.now(),
        plan="{}",
        validated=True,
    )
    spool = backend.store.path(f"{row.id}.body")
    try:
        size = 0
        with spool.open("wb") as file:
            async for block in request.stream():
                size += len(block)
                if size > backend.faults.limits.anthropic_bytes:
                    raise ApiError(413, "Request exceeds the maximum allowed size")
                file.write(block)
        row = await run_in_threadpool(_take_in, backend, row, spool)
    finally:
        spool.unlink(missing_ok=True)
    backend.worker.start(row.id)
    return row


def _take_in(backend: Backend, row: BatchRow, spool: Path) -> BatchRow:
    """Check the envelope, keep the requests as lines, and add the batch."""
    path = backend.store.path(row.id)
    try:
        total, first = _write_requests(backend, spool, path)
        _check_queue(backend, row.account, total)
        plan = backend.plan("anthropic").model_dump_json(exclude_defaults=True)
        row = replace(row, total=total, first_custom_id=first, plan=plan)
        backend.store.add(row)
    except BodyError as exc:
        path.unlink(missing_ok=True)
        raise ApiError(400, str(exc)) from exc
    except (ApiError, OSError):
        path.unlink(missing_ok=True)
        raise
    return row


def _write_requests(backend: Backend, spool: Path, path: Path) -> tuple[int, str]:
    most = backend.faults.limits.anthropic_requests
    seen: dict[str, int] = {}
    first = ""
    with spool.open("rb") as source, path.open("wb") as target:
        for number, item in enumerate(read_requests(source)):
            if number >= most:
                raise ApiError(413, f"requests: List should have at most {most} items")
            custom_id = _check_item(number, item)
            if custom_id in seen:
                raise ApiError(
                    400,
                    f"requests.{number}.custom_id: custom_id must be unique within a"
                    f" batch; {custom_id!r} is also that of request {seen[custom_id]}",
                )
            seen[custom_id] = number
            first = first or custom_id
            target.write(orjson.dumps(item) + b"\n")
    if not seen:
        raise ApiError(400, "requests: List should have at least 1 item")
    return len(seen), first


def _check_item(number: int, item: Any) -> str:
    where = f"requests.{number}"
    if not isinstance(item, dict):
        raise ApiError(400, f"{where}: Input should be an object")
    custom_id = item.get("custom_id")
    if not isinstance(custom_id, str):
        raise ApiError(400, f"{where}.custom_id: Field required")
    if not _CUSTOM_ID.fullmatch(custom_id):
        raise ApiError(
            400,
            f"{where}.custom_id: String should match pattern '^[a-zA-Z0-9_-]{{1,64}}$'",
        )
    if not isinstance(item.get("params"), dict):
        raise ApiError(400, f"{where}.params: Field required")
    if extra := item.keys() - {"custom_id", "params"}:
        raise ApiError(400, f"{where}.{min(extra)}: Extra inputs are not permitted")
    return custom_id


def _check_queue(backend: Backend, account: str, total: int) -> None:
    """Refuse what is over the limit on requests that have not ended."""
    limit = backend.faults.limits.anthropic_queued_requests
    if limit is None:
        return
    lag = backend.faults.limits.release_lag_seconds
    now = backend.clock.now()
    queued = 0
    for row in backend.store.select(BatchRow, provider="anthropic", account=account):
        moment = backend.moment(row)
        if not (moment.is_final and now >= (moment.ended_at or now) + lag):
            queued += row.total
    if queued + total > limit:
        raise ApiError(
            429,
            f"This request would exceed your organization's limit of {limit} batch"
            " requests in the processing queue.",
            headers={"retry-after": "1"},
        )
