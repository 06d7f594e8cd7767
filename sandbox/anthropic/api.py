"""The routes of Anthropic's Message Batches API."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Route

from ..engine.backend import Backend
from ..engine.clock import rfc3339
from ..engine.rows import BatchRow
from ..engine.timeline import Moment, plan_of
from ..http.envelopes import ApiError, json_response, page_of
from .create import create_batch

__all__ = ["routes"]

_PATH = "/anthropic/v1/messages/batches"
_KEPT_SECONDS = 29 * 86_400


async def _create(request: Request) -> Response:
    row = await create_batch(request)
    return json_response(_batch(request, request.app.state.backend, row))


def _batch(request: Request, backend: Backend, row: BatchRow) -> dict[str, Any]:
    """Return a batch as it looks now, its faults included."""
    moment = backend.moment(row)
    effects = plan_of(row).effects
    status = {"cancelling": "canceling"}.get(moment.state, "in_progress")
    if moment.is_final:
        status = "ended"
    archived = _archived_at(backend, row, moment)
    results = None
    if moment.is_final and archived is None:
        host = request.headers.get("host", "localhost")
        results = f"{request.url.scheme}://{host}{_PATH}/{row.id}/results"
        if effects.results_url:
            results = effects.results_url.replace("HOST", host).replace("ID", row.id)
    batch: dict[str, Any] = {
        "id": row.id,
        "type": "message_batch",
        "processing_status": status if moment.is_final else (effects.status or status),
        "request_counts": _counts(row, ended=moment.is_final),
        "ended_at": rfc3339(moment.ended_at),
        "created_at": rfc3339(row.created_at),
        "expires_at": None if effects.expires_at else rfc3339(moment.expires_at),
        "archived_at": rfc3339(archived),
        "cancel_initiated_at": rfc3339(row.cancel_at),
        "results_url": results,
    }
    if effects.counts == "missing":
        del batch["request_counts"]
    elif effects.counts == "null":
        batch["request_counts"] = None
    elif effects.counts is not None:
        empty = None if effects.counts == "null_members" else 0
        batch["request_counts"] = dict.fromkeys(batch["request_counts"], empty)
    return batch


def _counts(row: BatchRow, *, ended: bool) -> dict[str, int]:
    """All requests are `processing` until the whole batch has ended."""
    return {
        "processing": 0 if ended else row.total,
        "succeeded": row.succeeded if ended else 0,
        "errored": row.errored if ended else 0,
        "canceled": row.cancelled if ended else 0,
        "expired": row.expired if ended else 0,
    }


def _archived_at(backend: Backend, row: BatchRow, moment: Moment) -> float | None:
    at = row.created_at + _KEPT_SECONDS
    return at if moment.is_final and backend.clock.now() >= at else None


async def _list(request: Request) -> Response:
    backend: Backend = request.app.state.backend
    account = request.state.account
    limit = page_of(request, 1000, 20)
    after_id = request.query_params.get("after_id")
    before_id = request.query_params.get("before_id")
    bounds = {
        "before": _place(backend, after_id, account),
        "after": _place(backend, before_id, account),
    }
    rows = backend.store.select(
        BatchRow,
        newest_first=before_id is None,
        limit=limit + 1,
        provider="anthropic",
        account=account,
        **bounds,
    )
    more = len(rows) > limit
    rows = rows[:limit]
    if before_id is not None:
        rows.reverse()
    items = [_batch(request, backend, row) for row in rows]
    return json_response(
        {
            "data": items,
            "has_more": more,
            "first_id": items[0]["id"] if items else None,
            "last_id": items[-1]["id"] if items else None,
        }
    )


def _place(backend: Backend, batch_id: str | None, account: str) -> int | None:
    if not batch_id:
        return None
    place = backend.store.seq(BatchRow, batch_id, account)
    if place is None:
        raise ApiError(400, f"Invalid cursor: no batch with id {batch_id!r}")
    return place


def _find(request: Request) -> tuple[Backend, BatchRow]:
    backend: Backend = request.app.state.backend
    batch_id = request.path_params["id"]
    row = backend.store.get(BatchRow, batch_id, request.state.account)
    if row is None or row.provider != "anthropic":
        raise ApiError(404, f"Message batch {batch_id!r} not found")
    return backend, row


async def _retrieve(request: Request) -> Response:
    return json_response(_batch(request, *_find(request)))


async def _cancel(request: Request) -> Response:
    backend, row = _find(request)
    if not backend.moment(row).is_final and row.cancel_at is None:
        backend.worker.cancel(row)
    return json_response(_batch(request, *_find(request)))


async def _results(request: Request) -> Response:
    backend, row = _find(request)
    moment = backend.moment(row)
    if not moment.is_final:
        raise ApiError(
            400,
            f"Batch {row.id!r} has no available results: it is still processing.",
        )
    if _archived_at(backend, row, moment) is not None:
        raise ApiError(404, f"The results of batch {row.id!r} are no longer available.")
    return FileResponse(
        backend.store.path(f"{row.id}.results"), media_type="application/x-jsonl"
    )


async def _delete(request: Request) -> Response:
    backend, row = _find(request)
    if not backend.moment(row).is_final:
        raise ApiError(
            400, f"Batch {row.id!r} is still processing: cancel it before deleting it."
        )
    backend.store.remove(BatchRow, row.id)
    for name in (row.id, f"{row.id}.results"):
        backend.store.path(name).unlink(missing_ok=True)
    return json_response({"id": row.id, "type": "message_batch_deleted"})


routes = [
    Route(_PATH, _create, methods=["POST"]),
    Route(_PATH, _list, methods=["GET"]),
    Route(_PATH + "/{id}", _retrieve, methods=["GET"]),
    Route(_PATH + "/{id}", _delete, methods=["DELETE"]),
    Route(_PATH + "/{id}/cancel", _cancel, methods=["POST"]),
    Route(_PATH + "/{id}/results", _results, methods=["GET"]),
]
