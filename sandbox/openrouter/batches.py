"""The routes of OpenRouter's batches, and the form of a batch."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from ..engine.backend import Backend
from ..engine.produce import read_lines
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

_KEPT_SECONDS = 30 * 86_400
_SHOWN = {"finalizing": "in_progress", "cancelling": "in_progress"}


async def _create(request: Request) -> Response:
    batch = _batch_object(backend_of(request), await create_batch(request))
    return json_response({**batch, "status": "validating", "results": None}, 202)


def _batch_object(backend: Backend, row: BatchRow) -> dict[str, Any]:
    """Return a batch as it is now, with its faults and without its results."""
    moment, effects = backend.moment(row), plan_of(row).effects
    state = _SHOWN.get(moment.state, moment.state)
    is_over = moment.is_final
    fraction = 1 if is_over else moment.fraction
    batch: dict[str, Any] = {
        "id": row.id,
        "object": "batch",
        "endpoint": row.endpoint,
        "model": row.model,
        "status": state if is_over else (effects.status or state),
        "completion_window": "24h",
        "created_at": int(row.created_at),
        "expires_at": int(moment.expires_at),
        "finalized_at": None if moment.ended_at is None else int(moment.ended_at),
        "request_counts": {
            "total": row.total,
            "completed": int(row.succeeded * fraction),
            "failed": int((row.total - row.succeeded) * fraction) if row.ready else 0,
        },
        "error": None,
        "provider": "Sandbox",
        "usage": _usage(row) if is_over else None,
    }
    apply_batch_fault(batch, effects)
    return batch


def _usage(row: BatchRow) -> dict[str, Any]:
    read, written = orjson.loads(row.usage or "[0,0]")
    return {
        "prompt_tokens": read,
        "completion_tokens": written,
        "total_tokens": read + written,
        "cost": 0.0,
        "is_byok": False,
    }


def _find(request: Request) -> BatchRow:
    batch_id, account = request.path_params["id"], request.state.account
    store = backend_of(request).store
    row = store.get(BatchRow, batch_id, provider="openrouter", account=account)
    if row is None:
        raise ApiError(404, f"Batch {batch_id} not found")
    return row


async def _list(request: Request) -> Response:
    limit = limit_of(request, 100, 20)
    backend = backend_of(request)
    mine = {"provider": "openrouter", "account": request.state.account}
    before = None
    if after := request.query_params.get("after"):
        last = backend.store.get(BatchRow, after, **mine)
        if last is None:
            raise ApiError(400, f"Invalid after: no batch {after!r}")
        before = last.seq
    rows = backend.store.select(BatchRow, before=before, limit=limit + 1, **mine)
    items = [{**_batch_object(backend, row), "results": None} for row in rows[:limit]]
    return json_response(
        {
            "object": "list",
            "data": items,
            "first_id": items[0]["id"] if items else None,
            "last_id": items[-1]["id"] if items else None,
            "has_more": len(rows) > limit,
        }
    )


def _has_results(backend: Backend, row: BatchRow) -> bool:
    is_kept = backend.clock.now() < row.created_at + _KEPT_SECONDS
    return backend.moment(row).is_final and is_kept


async def _retrieve(request: Request) -> Response:
    """Show a batch; once it has ended, with all its results inside."""
    backend, row = backend_of(request), _find(request)
    head = orjson.dumps(_batch_object(backend, row))[:-1]
    if not _has_results(backend, row):
        return Response(head + b',"results":null}', media_type="application/json")
    lines = filter(None, read_lines(backend.store.path(f"{row.id}.results")))

    def body() -> Iterator[bytes]:
        yield head + b',"results":['
        for number, line in enumerate(lines):
            yield (b"," if number else b"") + line.strip()
        yield b"]}"

    return StreamingResponse(body(), media_type="application/json")


async def _results(request: Request) -> Response:
    """Show one page of results."""
    backend, row = backend_of(request), _find(request)
    if not backend.moment(row).is_final:
        raise ApiError(400, f"Batch {row.id} has not ended.")
    if not _has_results(backend, row):
        raise ApiError(404, f"The results of batch {row.id} are no longer kept.")
    cursor = request.query_params.get("cursor", "0")
    if not cursor.isdecimal():
        raise ApiError(400, f"Invalid cursor: {cursor!r}")
    size, start = backend.faults.limits.openrouter_page, int(cursor)
    lines = filter(None, read_lines(backend.store.path(f"{row.id}.results")))
    found = [*islice(lines, start, start + size + 1)]
    more = orjson.dumps(str(start + size)) if len(found) > size else b"null"
    page = b'{"object":"list","data":[%b],"has_more":%b,"next_cursor":%b}' % (
        b",".join(found[:size]),
        b"false" if more == b"null" else b"true",
        more,
    )
    return Response(page, media_type="application/json")


async def _delete(request: Request) -> Response:
    backend, row = backend_of(request), _find(request)
    if not backend.moment(row).is_final:
        raise ApiError(400, f"Batch {row.id} has not ended.")
    backend.store.remove(BatchRow, row.id)
    deletion = {"openrouter": "deleted"}
    return json_response({"id": row.id, "object": "batch", "deletion": deletion})


def routes(base_path: str) -> list[Route]:
    """Return the routes below a base path, each named after its operation."""
    path = base_path + "/batches"
    one = path + "/{id}"
    return [
        Route(path, _create, methods=["POST"], name="create"),
        Route(path, _list, methods=["GET"], name="list"),
        Route(one, _retrieve, methods=["GET"], name="retrieve"),
        Route(one, _delete, methods=["DELETE"], name="delete"),
        Route(one + "/results", _results, methods=["GET"], name="download"),
    ]
