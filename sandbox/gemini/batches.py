"""The routes of Gemini's batches, and the operation that stands for one."""

from __future__ import annotations

from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ..engine.backend import Backend
from ..engine.store import BatchRow
from ..engine.timeline import Moment, plan_of
from ..http.api import (
    ApiError,
    apply_batch_fault,
    backend_of,
    json_body,
    json_response,
)
from .envelopes import timestamp
from .files import file_of

__all__ = ["EMBEDDINGS", "routes"]

EMBEDDINGS = "embeddings"
"""`endpoint` of batches made by `asyncBatchEmbedContent`."""
_EXPIRES_SECONDS = 48 * 3600
_MAX_PAGE, _PAGE = 1000, 50
_STATES = {
    "validating": "PENDING",
    "in_progress": "RUNNING",
    "finalizing": "RUNNING",
    "cancelling": "RUNNING",
    "completed": "SUCCEEDED",
    "failed": "FAILED",
    "expired": "EXPIRED",
    "cancelled": "CANCELLED",
}
_TYPE = "type.googleapis.com/google.ai.generativelanguage.v1main.GenerateContentBatch"


async def _create(request: Request) -> Response:
    return await _created(request, None)


async def _create_embeddings(request: Request) -> Response:
    return await _created(request, EMBEDDINGS)


async def _created(request: Request, endpoint: str | None) -> Response:
    """Create a batch: never idempotent, whatever its name is."""
    backend, account = backend_of(request), request.state.account
    batch = (await json_body(request)).get("batch")
    if not isinstance(batch, dict):
        raise ApiError(400, "Missing required field: batch.")
    config = batch.get("inputConfig") or batch.get("input_config") or {}
    if "requests" in config:
        raise ApiError(400, "The sandbox serves batches of files, not of requests.")
    file_name = config.get("fileName") or config.get("file_name")
    if not isinstance(file_name, str):
        raise ApiError(400, "batch.input_config: one of requests, file_name is needed.")
    model = request.path_params["model"]
    if backend.faults.models and model not in backend.faults.models:
        text = f"models/{model} is not found for API version v1."
        raise ApiError(404, text)
    row = BatchRow(
        id=backend.new_batch_id(""),
        provider=request.state.vendor.name,
        account=account,
        created_at=backend.clock.now(),
        plan=backend.new_plan("gemini", expires_seconds=_EXPIRES_SECONDS),
        input_file_id=file_of(backend, account, file_name).id,
        endpoint=endpoint,
        metadata=orjson.dumps({"displayName": batch.get("displayName")}).decode(),
        model=model,
    )
    backend.store.add(row)
    backend.worker.start(row.id)
    return json_response(_operation(backend, row))


def _operation(backend: Backend, row: BatchRow) -> dict[str, Any]:
    """Return a batch as it is now, with its faults."""
    moment, effects = backend.moment(row), plan_of(row).effects
    state = f"BATCH_STATE_{_STATES[moment.state]}"
    about: dict[str, Any] = {
        "@type": _TYPE,
        "name": f"batches/{row.id}",
        "model": f"models/{row.model}",
        **orjson.loads(row.metadata or "{}"),
        "state": state if moment.is_final else (effects.status or state),
        "createTime": timestamp(row.created_at),
        "updateTime": timestamp(moment.ended_at or row.created_at),
        "inputConfig": {"fileName": f"files/{row.input_file_id}"},
        "priority": "0",
    }
    shown: dict[str, Any] = {"request_counts": _stats(row, moment)}
    apply_batch_fault(shown, effects)
    if "request_counts" in shown:
        about["batchStats"] = shown["request_counts"]
    if effects.metadata:
        del about["displayName"]
    operation: dict[str, Any] = {"name": f"batches/{row.id}", "metadata": about}
    if not moment.is_final:
        return operation
    operation["done"] = True
    about["endTime"] = timestamp(moment.ended_at or row.created_at)
    if moment.state == "failed":
        problem = orjson.loads(row.errors or "[]")[0]
        return operation | {"error": {"code": 3, "message": problem["message"]}}
    output: dict[str, Any] = {}
    if row.output_file_id:
        output = {"responsesFile": f"files/{row.output_file_id}"}
        about["output"] = output
    return operation | {"response": {"@type": f"{_TYPE}Output", **output}}


def _stats(row: BatchRow, moment: Moment) -> dict[str, Any]:
    """Return the counts, which are text; those that are zero are left out."""
    if moment.state in {"validating", "failed"}:
        return {}
    done = row.succeeded + row.errored if moment.is_final else 0
    counts = {
        "requestCount": row.total,
        "successfulRequestCount": row.succeeded if moment.is_final else 0,
        "failedRequestCount": row.errored if moment.is_final else 0,
        "pendingRequestCount": row.total - done,
    }
    return {name: str(count) for name, count in counts.items() if count}


async def _list(request: Request) -> Response:
    backend, query = backend_of(request), request.query_params
    size, token = query.get("pageSize", "0"), query.get("pageToken", "")
    if not size.isdecimal() or not (token or "0").isdecimal():
        raise ApiError(400, "Invalid pageSize or pageToken.")
    limit = min(int(size) or _PAGE, _MAX_PAGE)
    mine = {"provider": "gemini", "account": request.state.account}
    rows = backend.store.select(
        BatchRow, before=int(token) if token else None, limit=limit + 1, **mine
    )
    page: dict[str, Any] = {}
    if rows:
        page["operations"] = [_operation(backend, row) for row in rows[:limit]]
    if len(rows) > limit:
        page["nextPageToken"] = str(rows[limit - 1].seq)
    return json_response(page)


def _find(request: Request) -> BatchRow:
    batch_id, account = request.path_params["id"], request.state.account
    store = backend_of(request).store
    row = store.get(BatchRow, batch_id, provider="gemini", account=account)
    if row is None:
        raise ApiError(404, f"Requested entity was not found: batches/{batch_id}.")
    return row


async def _get(request: Request) -> Response:
    return json_response(_operation(backend_of(request), _find(request)))


async def _cancel(request: Request) -> Response:
    backend, row = backend_of(request), _find(request)
    if backend.moment(row).is_final:
        raise ApiError(400, "The batch has ended.", code="FAILED_PRECONDITION")
    if row.cancel_at is None:
        backend.worker.cancel(row)
    return json_response({})


async def _delete(request: Request) -> Response:
    backend, row = backend_of(request), _find(request)
    backend.store.remove(BatchRow, row.id)
    return json_response({})


def routes(base_path: str) -> list[Route]:
    """Return the routes below a base path, each named after its operation."""
    model = f"{base_path}/v1/models/{{model}}"
    path = f"{base_path}/v1/batches"
    one = path + "/{id}"
    create, embed = f"{model}:batchGenerateContent", f"{model}:asyncBatchEmbedContent"
    return [
        Route(create, _create, methods=["POST"], name="create"),
        Route(embed, _create_embeddings, methods=["POST"], name="create"),
        Route(one + ":cancel", _cancel, methods=["POST"], name="cancel"),
        Route(path, _list, methods=["GET"], name="list"),
        Route(one, _get, methods=["GET"], name="retrieve"),
        Route(one, _delete, methods=["DELETE"], name="delete"),
    ]
