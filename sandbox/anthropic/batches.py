"""The routes of Anthropic's Message Batches API."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Route

from ..engine.backend import Backend
from ..engine.store import BatchRow
from ..engine.timeline import plan_of
from ..http.api import (
    ApiError,
    apply_batch_fault,
    backend_of,
    json_response,
    limit_of,
)
from .create import create_batch

__all__ = ["routes"]

_PATH = "/v1/messages/batches"
_KEPT_SECONDS = 29 * 86_400


async def _create(request: Request) -> Response:
    return json_response(_batch_object(request, await create_batch(request)))


def _batch_object(request: Request, row: BatchRow) -> dict[str, Any]:
    """Return a batch as it is now, with its faults."""
    backend = backend_of(request)
    moment = backend.moment(row)
    effects = plan_of(row).effects
    status = "canceling" if moment.state == "cancelling" else "in_progress"
    status = "ended" if moment.is_final else (effects.status or status)
    archived_at = _archived_at(backend, row)
    results = None
    if moment.is_final and archived_at is None:
        host = request.headers.get("host", "localhost")
        path = request.state.vendor.base_path + _PATH
        results = f"{request.url.scheme}://{host}{path}/{row.id}/results"
        if effects.results_url:
            results = effects.results_url.replace("HOST", host).replace("ID", row.id)
    batch: dict[str, Any] = {
        "id": row.id,
        "type": "message_batch",
        "processing_status": status,
        "request_counts": _counts(row, ended=moment.is_final),
        "ended_at": _timestamp(moment.ended_at),
        "created_at": _timestamp(row.created_at),
        "expires_at": _timestamp(moment.expires_at),
        "archived_at": _timestamp(archived_at),
        "cancel_initiated_at": _timestamp(row.cancel_at),
        "results_url": results,
    }
    apply_batch_fault(batch, effects)
    return batch


def _timestamp(seconds: float | None) -> str | None:
    if seconds is None:
        return None
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="microseconds")


def _counts(row: BatchRow, *, ended: bool) -> dict[str, int]:
    """Return the counts; all requests are `processing` until the batch has ended."""
    return {
        "processing": 0 if ended else row.total,
        "succeeded": row.succeeded if ended else 0,
        "errored": row.errored if ended else 0,
        "canceled": row.cancelled if ended else 0,
        "expired": row.expired if ended else 0,
    }


def _archived_at(backend: Backend, row: BatchRow) -> float | None:
    archived_at = row.created_at + _KEPT_SECONDS
    is_over = backend.moment(row).is_final and backend.clock.now() >= archived_at
    return archived_at if is_over else None


async def _list(request: Request) -> Response:
    limit = limit_of(request, 1000, 20)
    mine = {"provider": request.state.vendor.name, "account": request.state.account}
    after_id = request.query_params.get("after_id")
    before_id = request.query_params.get("before_id")
    store = backend_of(request).store
    bounds: dict[str, int | None] = {}
    for bound, batch_id in (("before", after_id), ("after", before_id)):
        row = store.get(BatchRow, batch_id, **mine) if batch_id else None
        if batch_id and row is None:
            raise ApiError(400, f"Invalid cursor: no batch with id {batch_id!r}")
        bounds[bound] = row.seq if row else None
    rows = store.select(
        BatchRow, newest_first=not before_id, limit=limit + 1, **bounds, **mine
    )
    items = [_batch_object(request, row) for row in rows[:limit]]
    if before_id:
        items.reverse()
    return json_response(
        {
            "data": items,
            "has_more": len(rows) > limit,
            "first_id": items[0]["id"] if items else None,
            "last_id": items[-1]["id"] if items else None,
        }
    )


def _find(request: Request) -> BatchRow:
    batch_id, account = request.path_params["id"], request.state.account
    store = backend_of(request).store
    name = request.state.vendor.name
    row = store.get(BatchRow, batch_id, provider=name, account=account)
    if row is None:
        raise ApiError(404, f"Message batch {batch_id!r} not found")
    return row


async def _retrieve(request: Request) -> Response:
    return json_response(_batch_object(request, _find(request)))


async def _cancel(request: Request) -> Response:
    backend, row = backend_of(request), _find(request)
    if not backend.moment(row).is_final and row.cancel_at is None:
        backend.worker.cancel(row)
    return await _retrieve(request)


async def _results(request: Request) -> Response:
    backend, row = backend_of(request), _find(request)
    if not backend.moment(row).is_final:
        text = f"Batch {row.id!r} has no available results: it is still processing."
        raise ApiError(400, text)
    if _archived_at(backend, row) is not None:
        raise ApiError(404, f"The results of batch {row.id!r} are no longer available.")
    path = backend.store.path(f"{row.id}.results")
    return FileResponse(path, media_type="application/x-jsonl")


async def _delete(request: Request) -> Response:
    backend, row = backend_of(request), _find(request)
    if not backend.moment(row).is_final:
        text = f"Batch {row.id!r} is still processing: cancel it before deleting it."
        raise ApiError(400, text)
    backend.store.remove(BatchRow, row.id)
    for name in (row.id, f"{row.id}.results"):
        backend.store.path(name).unlink(missing_ok=True)
    return json_response({"id": row.id, "type": "message_batch_deleted"})


def routes(base_path: str) -> list[Route]:
    """Return the routes below a base path, each named after its operation."""
    path = base_path + _PATH
    one = path + "/{id}"
    return [
        Route(path, _create, methods=["POST"], name="create"),
        Route(path, _list, methods=["GET"], name="list"),
        Route(one, _retrieve, methods=["GET"], name="retrieve"),
        Route(one, _delete, methods=["DELETE"], name="delete"),
        Route(one + "/cancel", _cancel, methods=["POST"], name="cancel"),
        Route(one + "/results", _results, methods=["GET"], name="download"),
    ]
