"""The routes of OpenAI's batches API."""

from __future__ import annotations

from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ..engine.backend import Backend
from ..engine.rows import BatchRow
from ..http.envelopes import ApiError, json_body, json_response, new_id, page_of
from .ask import ENDPOINTS
from .view import batch_object

__all__ = ["expiry_of", "routes", "whole"]

_MAX_PAIRS, _MAX_KEY, _MAX_VALUE = 16, 64, 512
_EXPIRY_SECONDS = range(3600, 2_592_001)


async def _create(request: Request) -> Response:
    backend: Backend = request.app.state.backend
    body = await json_body(request)
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
    return json_response(batch_object(backend, row))


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
    items = [batch_object(backend, row) for row in rows[:limit]]
    return json_response(whole(items, more=len(rows) > limit))


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
    return json_response(batch_object(*_find(request)))


async def _cancel(request: Request) -> Response:
    backend, row = _find(request)
    state = backend.moment(row).state
    if state in {"completed", "failed", "expired"}:
        raise ApiError(409, f"Cannot cancel a batch with status '{state}'.")
    if row.cancel_at is None and state != "cancelled":
        backend.worker.cancel(row)
    return json_response(batch_object(*_find(request)))


routes = [
    Route("/batches", _create, methods=["POST"]),
    Route("/batches", _list, methods=["GET"]),
    Route("/batches/{id}", _retrieve, methods=["GET"]),
    Route("/batches/{id}/cancel", _cancel, methods=["POST"]),
]
