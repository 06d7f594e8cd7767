"""The routes of OpenAI's batches API."""

from __future__ import annotations

from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ..engine.rows import BatchRow
from ..http.api import ApiError, backend_of, json_body, json_response, limit_of, new_id
from .envelopes import expiry_of, list_page
from .requests import ENDPOINTS
from .view import batch_object

__all__ = ["routes"]

_MAX_PAIRS, _MAX_KEY, _MAX_VALUE = 16, 64, 512


async def _create(request: Request) -> Response:
    backend = backend_of(request)
    body = await json_body(request)
    for name in ("input_file_id", "endpoint", "completion_window"):
        if not isinstance(body.get(name), str):
            text = f"Missing required parameter: '{name}'."
            raise ApiError(400, text, code="missing_required_parameter", param=name)
    for name, allowed in (("endpoint", ENDPOINTS), ("completion_window", ("24h",))):
        if body[name] not in allowed:
            words = ", ".join(f"'{word}'" for word in allowed)
            text = f"Invalid value: '{body[name]}'. Supported values are: {words}."
            raise ApiError(400, text, code="invalid_value", param=name)
    metadata = body.get("metadata")
    _check_metadata(metadata)
    output_after = body.get("output_expires_after")
    row = BatchRow(
        id=new_id("batch_"),
        provider="openai",
        account=request.state.account,
        created_at=backend.clock.now(),
        plan=backend.new_plan("openai"),
        input_file_id=body["input_file_id"],
        endpoint=body["endpoint"],
        metadata=orjson.dumps(metadata).decode(),
        output_seconds=expiry_of(output_after, "output_expires_after"),
    )
    backend.store.add(row)
    backend.worker.start(row.id)
    return json_response(batch_object(backend, row))


def _check_metadata(metadata: Any) -> None:
    if metadata is None:
        return
    if not isinstance(metadata, dict):
        text = "Invalid type for 'metadata': expected an object."
        raise ApiError(400, text, code="invalid_type", param="metadata")
    if len(metadata) > _MAX_PAIRS:
        raise ApiError(
            400,
            f"Invalid 'metadata': too many properties. Expected an object with at most"
            f" {_MAX_PAIRS} properties, but got {len(metadata)} instead.",
            code="object_above_max_properties",
            param="metadata",
        )
    for key, value in metadata.items():
        param = f"metadata.{key[:_MAX_KEY]}"
        if not isinstance(value, str):
            text = f"Invalid type for '{param}': expected a string."
            raise ApiError(400, text, code="invalid_type", param=param)
        if len(key) > _MAX_KEY or len(value) > _MAX_VALUE:
            raise ApiError(
                400,
                f"Invalid '{param}': string too long. Keys have at most {_MAX_KEY}"
                f" characters and values {_MAX_VALUE}.",
                code="string_above_max_length",
                param=param,
            )


async def _list(request: Request) -> Response:
    backend = backend_of(request)
    limit = limit_of(request, 100, 20)
    mine = {"provider": "openai", "account": request.state.account}
    before = None
    if after := request.query_params.get("after"):
        last = backend.store.get(BatchRow, after, **mine)
        if last is None:
            text = f"Invalid 'after': no batch with id '{after}'."
            raise ApiError(400, text, param="after")
        before = last.seq
    rows = backend.store.select(BatchRow, before=before, limit=limit + 1, **mine)
    return json_response(list_page([batch_object(backend, r) for r in rows], limit))


def _find(request: Request) -> BatchRow:
    batch_id, account = request.path_params["id"], request.state.account
    store = backend_of(request).store
    row = store.get(BatchRow, batch_id, provider="openai", account=account)
    if row is None:
        raise ApiError(404, f"No batch found with id '{batch_id}'.")
    return row


async def _retrieve(request: Request) -> Response:
    return json_response(batch_object(backend_of(request), _find(request)))


async def _cancel(request: Request) -> Response:
    backend, row = backend_of(request), _find(request)
    state = backend.moment(row).state
    if state in {"completed", "failed", "expired"}:
        raise ApiError(409, f"Cannot cancel a batch with status '{state}'.")
    if row.cancel_at is None and state != "cancelled":
        backend.worker.cancel(row)
    return await _retrieve(request)


_PATH = "/openai/v1/batches"
routes = [
    Route(_PATH, _create, methods=["POST"], name="create"),
    Route(_PATH, _list, methods=["GET"], name="list"),
    Route(_PATH + "/{id}", _retrieve, methods=["GET"], name="retrieve"),
    Route(_PATH + "/{id}/cancel", _cancel, methods=["POST"], name="cancel"),
]
