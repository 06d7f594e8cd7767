"""The routes of OpenAI's batches API."""

from __future__ import annotations

from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ._backend import Backend
from ._http import ApiError, json_response, new_id
from ._openai_ask import ENDPOINTS
from ._store import BatchRow
from ._worker import plan_of

__all__ = ["page_of", "routes", "whole"]

_MAX_PAIRS, _MAX_KEY, _MAX_VALUE = 16, 64, 512
_EXPIRY_SECONDS = range(3600, 2_592_001)


async def _create(request: Request) -> Response:
    backend: Backend = request.app.state.backend
    body = await _json(request)
    for name in ("input_file_id", "endpoint", "completion_window"):
        if not isinstance(body.get(name), str):
            raise ApiError(
                400,
                f"Missing required parameter: '{name}'.",
                code="missing_required_parameter",
                param=name,
            )
    if body["endpoint"] not in ENDPOINTS:
        raise _invalid("endpoint", body["endpoint"], ENDPOINTS)
    if body["completion_window"] != "24h":
        raise _invalid("completion_window", body["completion_window"], ("24h",))
    metadata = body.get("metadata")
    _check_metadata(metadata)
    row = BatchRow(
        id=new_id("batch_"),
        provider="openai",
        account=request.state.account,
        created_at=backend.clock.now(),
        plan=backend.plan("openai").model_dump_json(exclude_defaults=True),
        input_file_id=body["input_file_id"],
        endpoint=body["endpoint"],
        metadata=orjson.dumps(metadata).decode(),
        output_seconds=expiry_of(
            body.get("output_expires_after"), "output_expires_after"
        ),
    )
    backend.store.add(row)
    backend.worker.start(row.id)
    return json_response(_batch(backend, row))


def _invalid(param: str, value: str, allowed: tuple[str, ...]) -> ApiError:
    words = ", ".join(f"'{word}'" for word in allowed)
    return ApiError(
        400,
        f"Invalid value: '{value}'. Supported values are: {words}.",
        code="invalid_value",
        param=param,
    )


def expiry_of(after: Any, param: str) -> int | None:
    """Return the seconds of an `expires_after`, checked."""
    if after is None:
        return None
    if not isinstance(after, dict) or after.get("anchor") != "created_at":
        raise ApiError(
            400,
            "Invalid value for 'anchor'. Supported values are: 'created_at'.",
            code="invalid_value",
            param=f"{param}.anchor",
        )
    try:
        seconds = int(after.get("seconds", 0))
    except (TypeError, ValueError):
        seconds = 0
    if seconds not in _EXPIRY_SECONDS:
        raise ApiError(
            400,
            "Invalid value for 'seconds': it must be between 3600 and 2592000.",
            code="invalid_value",
            param=f"{param}.seconds",
        )
    return seconds


def _check_metadata(metadata: Any) -> None:
    if metadata is None:
        return
    if not isinstance(metadata, dict):
        raise ApiError(
            400,
            "Invalid type for 'metadata': expected an object.",
            code="invalid_type",
            param="metadata",
        )
    if len(metadata) > _MAX_PAIRS:
        raise ApiError(
            400,
            f"Invalid 'metadata': too many properties. Expected an object with at most"
            f" {_MAX_PAIRS} properties, but got {len(metadata)} instead.",
            code="object_above_max_properties",
            param="metadata",
        )
    for key, value in metadata.items():
        if not isinstance(value, str):
            raise ApiError(
                400,
                f"Invalid type for 'metadata.{key}': expected a string.",
                code="invalid_type",
                param=f"metadata.{key}",
            )
        if len(key) > _MAX_KEY or len(value) > _MAX_VALUE:
            raise ApiError(
                400,
                f"Invalid 'metadata.{key[:_MAX_KEY]}': string too long. Keys have at"
                f" most {_MAX_KEY} characters and values {_MAX_VALUE}.",
                code="string_above_max_length",
                param=f"metadata.{key[:_MAX_KEY]}",
            )


async def _json(request: Request) -> dict[str, Any]:
    try:
        body = orjson.loads(await request.body())
    except orjson.JSONDecodeError as exc:
        raise ApiError(
            400, "We could not parse the JSON body of your request."
        ) from exc
    if not isinstance(body, dict):
        raise ApiError(400, "The JSON body of your request is not an object.")
    return body


async def _list(request: Request) -> Response:
    backend: Backend = request.app.state.backend
    account = request.state.account
    limit = page_of(request, 100, 20)
    before = None
    if after := request.query_params.get("after"):
        before = backend.store.seq(BatchRow, after, account)
        if before is None:
            raise ApiError(
                400, f"Invalid 'after': no batch with id '{after}'.", param="after"
            )
    rows = backend.store.select(
        BatchRow, provider="openai", account=account, before=before, limit=limit + 1
    )
    items = [_batch(backend, row) for row in rows[:limit]]
    return json_response(whole(items, more=len(rows) > limit))


def page_of(request: Request, most: int, default: int) -> int:
    """Return the `limit` of a list call, checked."""
    given = request.query_params.get("limit", str(default))
    if not given.isdecimal() or not 1 <= int(given) <= most:
        raise ApiError(
            400,
            f"Invalid 'limit': expected a value between 1 and {most}, but got"
            f" {given!r} instead.",
            param="limit",
        )
    return int(given)


def whole(items: list[dict[str, Any]], *, more: bool) -> dict[str, Any]:
    """Return one page of a list."""
    return {
        "object": "list",
        "data": items,
        "first_id": items[0]["id"] if items else None,
        "last_id": items[-1]["id"] if items else None,
        "has_more": more,
    }


def _find(request: Request) -> tuple[Backend, BatchRow]:
    backend: Backend = request.app.state.backend
    batch_id = request.path_params["id"]
    row = backend.store.get(BatchRow, batch_id, request.state.account)
    if row is None or row.provider != "openai":
        raise ApiError(404, f"No batch found with id '{batch_id}'.")
    return backend, row


async def _retrieve(request: Request) -> Response:
    return json_response(_batch(*_find(request)))


async def _cancel(request: Request) -> Response:
    backend, row = _find(request)
    state = backend.moment(row).state
    if state in {"completed", "failed", "expired"}:
        raise ApiError(409, f"Cannot cancel a batch with status '{state}'.")
    if row.cancel_at is None and state != "cancelled":
        backend.worker.cancel(row)
    return json_response(_batch(*_find(request)))


def _batch(backend: Backend, row: BatchRow) -> dict[str, Any]:
    """Return a batch as it looks now, its faults included."""
    moment = backend.moment(row)
    effects = plan_of(row).effects
    state, end = moment.state, _second(moment.ended_at)
    shown = moment.is_final and state != "failed"
    good, bad = _counts(backend, row)
    counts: dict[str, Any] | None = {"total": 0, "completed": 0, "failed": 0}
    if state not in {"validating", "failed"} and row.errors is None:
        counts = {"total": row.total, "completed": good, "failed": bad}
    counts = {
        "null": None,
        "zero": {"total": 0, "completed": 0, "failed": 0},
        "null_members": {"total": None, "completed": None, "failed": None},
    }.get(effects.counts or "", counts)
    tokens_in, tokens_out = orjson.loads(row.usage or "[0,0]") if shown else (0, 0)
    errors = None
    if state == "failed":
        errors = {"object": "list", "data": orjson.loads(row.errors or "[]")}
    cancelled = row.cancel_at is not None or state == "cancelled"
    batch: dict[str, Any] = {
        "id": row.id,
        "object": "batch",
        "endpoint": row.endpoint,
        "model": row.model,
        "errors": errors,
        "input_file_id": row.input_file_id,
        "completion_window": "24h",
        "status": state if moment.is_final else (effects.status or state),
        "output_file_id": row.output_file_id if shown else None,
        "error_file_id": row.error_file_id if shown else None,
        "created_at": int(row.created_at),
        "in_progress_at": _second(moment.in_progress_at),
        "expires_at": None if effects.expires_at else int(moment.expires_at),
        "finalizing_at": _second(moment.finalizing_at),
        "completed_at": end if state == "completed" else None,
        "failed_at": end if state == "failed" else None,
        "expired_at": end if state == "expired" else None,
        "cancelling_at": _second(row.cancel_at or moment.ended_at)
        if cancelled
        else None,
        "cancelled_at": end if state == "cancelled" else None,
        "request_counts": counts,
        "usage": {
            "input_tokens": tokens_in,
            "input_tokens_details": {"cached_tokens": 0},
            "output_tokens": tokens_out,
            "output_tokens_details": {"reasoning_tokens": 0},
            "total_tokens": tokens_in + tokens_out,
        },
        "metadata": orjson.loads(row.metadata or "null"),
    }
    if effects.counts == "missing":
        del batch["request_counts"]
    if effects.metadata == "null":
        batch["metadata"] = None
    elif effects.metadata == "missing":
        del batch["metadata"]
    if shown and batch["error_file_id"] is None:
        if effects.error_file == "empty_string":
            batch["error_file_id"] = ""
        elif effects.error_file == "missing":
            del batch["error_file_id"]
    return batch


def _counts(backend: Backend, row: BatchRow) -> tuple[int, int]:
    """Return how many requests succeeded and failed so far."""
    moment = backend.moment(row)
    if moment.is_final:
        return row.succeeded, row.errored
    if row.ready and row.total:
        ran = moment.fraction
        return int(row.succeeded * ran), int(row.errored * ran)
    return min(backend.worker.done(row.id), int(row.total * moment.fraction)), 0


def _second(moment: float | None) -> int | None:
    return None if moment is None else int(moment)


routes = [
    Route("/batches", _create, methods=["POST"]),
    Route("/batches", _list, methods=["GET"]),
    Route("/batches/{id}", _retrieve, methods=["GET"]),
    Route("/batches/{id}/cancel", _cancel, methods=["POST"]),
]
