"""The routes of OpenAI's batches API, and the form of a batch."""

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
    limit_of,
)
from .check import check_batch
from .dialects import DIALECTS, dialect_of
from .envelopes import expiry_of, list_page
from .files import refuse_pending
from .shapes import ENDPOINTS

__all__ = ["routes"]

_MAX_PAIRS, _MAX_KEY, _MAX_VALUE = 16, 64, 512


async def _create(request: Request) -> Response:
    backend = backend_of(request)
    body = await json_body(request)
    dialect = dialect_of(request)
    for name in ("input_file_id", "endpoint", "completion_window"):
        if not isinstance(body.get(name), str):
            text = f"Missing required parameter: '{name}'."
            raise ApiError(400, text, code="missing_required_parameter", param=name)
    paths = {dialect.path_of(each): each for each in dialect.endpoints or ENDPOINTS}
    for name, allowed in (("endpoint", paths), ("completion_window", dialect.windows)):
        if body[name] not in allowed:
            words = ", ".join(f"'{word}'" for word in allowed)
            text = f"Invalid value: '{body[name]}'. Supported values are: {words}."
            raise ApiError(400, text, code="invalid_value", param=name)
    metadata = body.get("metadata")
    _check_metadata(metadata)
    output_after = body.get("output_expires_after")
    batch_id = backend.new_batch_id("batch_")
    if dialect.takes_key and (key := body.get("idempotency_key")):
        batch_id = backend.batch_id_of("batch_", f"{request.state.account} {key}")
        mine = {"provider": dialect.name, "account": request.state.account}
        if row := backend.store.get(BatchRow, batch_id, **mine):
            _check_same(row, body)
            return json_response(_shown(backend, row))
    refuse_pending(request, body["input_file_id"])
    row = BatchRow(
        id=batch_id,
        provider=dialect.name,
        account=request.state.account,
        created_at=backend.clock.now(),
        plan=backend.new_plan(dialect.name, body["completion_window"]),
        input_file_id=body["input_file_id"],
        endpoint=paths[body["endpoint"]],
        metadata=orjson.dumps(metadata).decode(),
        output_seconds=expiry_of(output_after, "output_expires_after"),
        model=_model_of(body) if dialect.request_params else None,
    )
    if dialect.refuses_at_create:
        _refuse_over_limit(backend, row)
    backend.store.add(row)
    backend.worker.start(row.id)
    shown = _shown(backend, row)
    if dialect.created_in:
        return json_response({dialect.created_in: shown, "warning": None})
    return json_response(shown)


def _model_of(body: dict[str, Any]) -> str:
    """Return the model, where it is a parameter of the batch."""
    model = (body.get("request_params") or {}).get("model")
    if not isinstance(model, str):
        text = "Missing required parameter: 'request_params.model'."
        raise ApiError(400, text, code="missing_required_parameter")
    return model


def _refuse_over_limit(backend: Backend, row: BatchRow) -> None:
    found = check_batch(row, backend.store, backend.faults, backend.clock.now())
    for problem in orjson.loads(found.get("errors") or "[]"):
        if problem["code"] == "token_limit_exceeded":
            raise ApiError(429, problem["message"], code=problem["code"])


def _check_same(row: BatchRow, body: dict[str, Any]) -> None:
    """Refuse a key that has made a batch of other parameters."""
    if row.input_file_id != body["input_file_id"]:
        text = "The idempotency_key was used with other parameters."
        raise ApiError(409, text, code="conflict")


def _shown(backend: Backend, row: BatchRow) -> dict[str, Any]:
    return DIALECTS[row.provider].present(_batch_object(backend, row))


def _check_metadata(metadata: Any) -> None:
    if not isinstance(metadata, dict | None):
        text = "Invalid type for 'metadata': expected an object."
        raise ApiError(400, text, code="invalid_type", param="metadata")
    if metadata and len(metadata) > _MAX_PAIRS:
        text = (
            "Invalid 'metadata': too many properties. Expected an object with at most"
            f" {_MAX_PAIRS} properties, but got {len(metadata)} instead."
        )
        code = "object_above_max_properties"
        raise ApiError(400, text, code=code, param="metadata")
    for key, value in (metadata or {}).items():
        param = f"metadata.{key[:_MAX_KEY]}"
        if not isinstance(value, str):
            text = f"Invalid type for '{param}': expected a string."
            raise ApiError(400, text, code="invalid_type", param=param)
        if len(key) > _MAX_KEY or len(value) > _MAX_VALUE:
            text = f"Invalid '{param}': string too long. Keys have at most {_MAX_KEY}"
            text += f" characters and values {_MAX_VALUE}."
            raise ApiError(400, text, code="string_above_max_length", param=param)


async def _list(request: Request) -> Response:
    backend, dialect = backend_of(request), dialect_of(request)
    mine = {"provider": dialect.name, "account": request.state.account}
    if dialect.pager == "none":
        rows = backend.store.select(BatchRow, **mine)
        return json_response([_shown(backend, row) for row in rows])
    limit = limit_of(request, 100, 20)
    name = "after" if dialect.pager == "after" else "cursor"
    before = None
    if after := request.query_params.get(name):
        last = backend.store.get(BatchRow, after, **mine)
        if last is None:
            text = f"Invalid '{name}': no batch with id '{after}'."
            raise ApiError(400, text, param=name)
        before = last.seq
    rows = backend.store.select(BatchRow, before=before, limit=limit + 1, **mine)
    page = list_page([_shown(backend, row) for row in rows], limit)
    if name == "cursor":
        cursor = page["last_id"] if page["has_more"] else None
        page = {"object": "list", "data": page["data"]}
        page["paging"] = {"next_cursor": cursor}
    return json_response(page)


def _find(request: Request) -> BatchRow:
    batch_id, account = request.path_params["id"], request.state.account
    store = backend_of(request).store
    name = dialect_of(request).name
    row = store.get(BatchRow, batch_id, provider=name, account=account)
    if row is None:
        raise ApiError(404, f"No batch found with id '{batch_id}'.")
    return row


async def _retrieve(request: Request) -> Response:
    return json_response(_shown(backend_of(request), _find(request)))


async def _cancel(request: Request) -> Response:
    backend, row = backend_of(request), _find(request)
    state = backend.moment(row).state
    if state in {"completed", "failed", "expired"}:
        raise ApiError(409, f"Cannot cancel a batch with status '{state}'.")
    if row.cancel_at is None and state != "cancelled":
        backend.worker.cancel(row)
    return await _retrieve(request)


def _batch_object(backend: Backend, row: BatchRow) -> dict[str, Any]:
    """Return a batch as it is now, with its faults."""
    moment = backend.moment(row)
    effects = plan_of(row).effects
    state, end = moment.state, _second(moment.ended_at)
    has_results = moment.is_final and state != "failed"
    tokens_in, tokens_out = orjson.loads(row.usage or "[0,0]")
    if not has_results:
        tokens_in = tokens_out = 0
    errors = None
    if state == "failed":
        errors = {"object": "list", "data": orjson.loads(row.errors or "[]")}
    cancelling_at = row.cancel_at
    if state == "cancelled":  # by a fault, if nobody asked for it
        cancelling_at = cancelling_at or moment.ended_at
    batch: dict[str, Any] = {
        "id": row.id,
        "object": "batch",
        "endpoint": DIALECTS[row.provider].path_of(row.endpoint or ""),
        "model": row.model,
        "errors": errors,
        "input_file_id": row.input_file_id,
        "completion_window": plan_of(row).window,
        "status": state if moment.is_final else (effects.status or state),
        "output_file_id": row.output_file_id if has_results else None,
        "error_file_id": row.error_file_id if has_results else None,
        "created_at": int(row.created_at),
        "in_progress_at": _second(moment.in_progress_at),
        "expires_at": int(moment.expires_at),
        "finalizing_at": _second(moment.finalizing_at),
        "completed_at": end if state == "completed" else None,
        "failed_at": end if state == "failed" else None,
        "expired_at": end if state == "expired" else None,
        "cancelling_at": _second(cancelling_at),
        "cancelled_at": end if state == "cancelled" else None,
        "request_counts": _counts(backend, row, moment),
        "usage": {
            "input_tokens": tokens_in,
            "input_tokens_details": {"cached_tokens": 0},
            "output_tokens": tokens_out,
            "output_tokens_details": {"reasoning_tokens": 0},
            "total_tokens": tokens_in + tokens_out,
        },
        "metadata": orjson.loads(row.metadata or "null"),
    }
    apply_batch_fault(batch, effects)
    if effects.metadata == "null":
        batch["metadata"] = None
    elif effects.metadata == "missing":
        del batch["metadata"]
    if has_results and effects.error_file and row.error_file_id is None:
        batch["error_file_id"] = ""
        if effects.error_file == "missing":
            del batch["error_file_id"]
    return batch


def _counts(backend: Backend, row: BatchRow, moment: Moment) -> dict[str, int]:
    """Return how many requests have succeeded and failed so far."""
    total, completed, failed = row.total, row.succeeded, row.errored
    if moment.state in {"validating", "failed"} or row.errors is not None:
        total = completed = failed = 0
    elif not moment.is_final:
        completed = int(completed * moment.fraction)
        failed = int(failed * moment.fraction)
        if not row.ready:
            answered = backend.worker.done(row.id)
            completed = min(answered, int(row.total * moment.fraction))
            failed = 0
    return {"total": total, "completed": completed, "failed": failed}


def _second(moment: float | None) -> int | None:
    return None if moment is None else int(moment)


def routes(base_path: str) -> list[Route]:
    """Return the routes below a base path, each named after its operation."""
    path = f"{base_path}/batches"
    return [
        Route(path, _create, methods=["POST"], name="create"),
        Route(path, _list, methods=["GET"], name="list"),
        Route(path + "/{id}", _retrieve, methods=["GET"], name="retrieve"),
        Route(path + "/{id}/cancel", _cancel, methods=["POST"], name="cancel"),
    ]
