"""The routes of Mistral's batch jobs, and the form of a job.

Members, words and routes are those of the types of mistralai 3.7.0.
"""

from __future__ import annotations

from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ..engine.backend import Backend
from ..engine.store import BatchRow, FileRow
from ..engine.timeline import plan_of
from ..http.api import (
    ApiError,
    apply_batch_fault,
    backend_of,
    json_body,
    json_response,
)

__all__ = ["error_body", "routes"]

_ENDPOINTS = ("/v1/chat/completions", "/v1/embeddings")
_STATES = {
    "validating": "QUEUED",
    "in_progress": "RUNNING",
    "finalizing": "RUNNING",
    "cancelling": "CANCELLATION_REQUESTED",
    "completed": "SUCCESS",
    "failed": "FAILED",
    "expired": "TIMEOUT_EXCEEDED",
    "cancelled": "CANCELLED",
}
_COUNTS = ("total", "completed", "succeeded", "failed")
_HOURS = range(1, 168)
_PAGE_SIZE = 100


def error_body(error: ApiError, _: str) -> dict[str, Any]:
    """Return the body of an error response."""
    return {
        "object": "error",
        "message": error.message,
        "type": "invalid_request_error",
        "param": error.param,
        "code": error.code,
    }


async def _create(request: Request) -> Response:
    backend, body = backend_of(request), await json_body(request)
    account = request.state.account
    files, metadata = body.get("input_files"), body.get("metadata") or {}
    if not isinstance(files, list) or not files:
        raise ApiError(422, "input_files: Field required", param="input_files")
    if len(files) > 1:
        raise ApiError(400, "The sandbox takes one file for a job.")
    if body.get("endpoint") not in _ENDPOINTS:
        raise ApiError(422, "endpoint: Input should be an endpoint", param="endpoint")
    if not isinstance(body.get("model"), str):
        raise ApiError(422, "One of model and agent_id is required.", param="model")
    if body.get("timeout_hours", 24) not in _HOURS:
        text = "timeout_hours: Input should be less than 7 days"
        raise ApiError(422, text, param="timeout_hours")
    if not all(isinstance(value, str) for value in metadata.values()):
        text = "metadata: Input should be a valid string"
        raise ApiError(422, text, param="metadata")
    if backend.store.get(FileRow, str(files[0]), account=account) is None:
        raise ApiError(404, f"File {files[0]} was not found.")
    row = BatchRow(
        id=backend.new_batch_id("batch-"),
        provider=request.state.vendor.name,
        account=account,
        created_at=backend.clock.now(),
        plan=backend.new_plan(request.state.vendor.name),
        input_file_id=files[0],
        endpoint=body["endpoint"],
        metadata=orjson.dumps(metadata).decode(),
        model=body["model"],
    )
    backend.store.add(row)
    backend.worker.start(row.id)
    return json_response(_job(backend, row))


async def _list(request: Request) -> Response:
    """Show a page; pages are counted from 0."""
    backend, query = backend_of(request), request.query_params
    page = int(query.get("page", 0))
    size = int(query.get("page_size", _PAGE_SIZE))
    rows = backend.store.select(
        BatchRow,
        newest_first=query.get("order_by", "-created") == "-created",
        provider=request.state.vendor.name,
        account=request.state.account,
    )
    data = [_job(backend, row) for row in rows[page * size : (page + 1) * size]]
    return json_response({"object": "list", "data": data, "total": len(rows)})


def _find(request: Request) -> BatchRow:
    row = backend_of(request).store.get(
        BatchRow,
        request.path_params["id"],
        provider=request.state.vendor.name,
        account=request.state.account,
    )
    if row is None:
        raise ApiError(404, f"Job {request.path_params['id']} was not found.")
    return row


async def _retrieve(request: Request) -> Response:
    return json_response(_job(backend_of(request), _find(request)))


async def _cancel(request: Request) -> Response:
    backend, row = backend_of(request), _find(request)
    if backend.moment(row).is_final:
        raise ApiError(400, f"Job {row.id} has ended and cannot be cancelled.")
    if row.cancel_at is None:
        backend.worker.cancel(row)
    return await _retrieve(request)


def _job(backend: Backend, row: BatchRow) -> dict[str, Any]:
    """Return a job as it is now, with its faults."""
    moment, effects = backend.moment(row), plan_of(row).effects
    has_results = moment.is_final and moment.state != "failed"
    succeeded, failed = row.succeeded, row.errored
    if not has_results:
        succeeded = failed = 0
    errors = orjson.loads(row.errors or "[]") if moment.state == "failed" else []
    word = _STATES[moment.state]
    job: dict[str, Any] = {
        "id": row.id,
        "object": "batch",
        "input_files": [row.input_file_id],
        "endpoint": row.endpoint,
        "model": row.model,
        "agent_id": None,
        "metadata": orjson.loads(row.metadata or "null"),
        "errors": [{"message": each["message"], "count": 1} for each in errors],
        "status": word if moment.is_final else (effects.status or word),
        "output_file": row.output_file_id if has_results else None,
        "error_file": row.error_file_id if has_results else None,
        "created_at": int(row.created_at),
        "started_at": moment.in_progress_at and int(moment.in_progress_at),
        "completed_at": moment.ended_at and int(moment.ended_at),
        "request_counts": dict(
            zip(
                _COUNTS,
                (row.total, succeeded + failed, succeeded, failed),
                strict=True,
            )
        ),
    }
    apply_batch_fault(job, effects)
    job.pop("expires_at", None)
    if effects.metadata:
        job["metadata"] = None
    counts = job.pop("request_counts", None) or {}
    return job | {f"{name}_requests": value for name, value in counts.items()}


def routes(base_path: str) -> list[Route]:
    """Return the routes below a base path, each named after its operation."""
    path = f"{base_path}/batch/jobs"
    return [
        Route(path, _create, methods=["POST"], name="create"),
        Route(path, _list, methods=["GET"], name="list"),
        Route(path + "/{id}", _retrieve, methods=["GET"], name="retrieve"),
        Route(path + "/{id}/cancel", _cancel, methods=["POST"], name="cancel"),
    ]
