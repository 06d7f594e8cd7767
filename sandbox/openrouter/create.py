"""Creates OpenRouter's batches: the body is read in its order, without a buffer."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import orjson
from starlette.requests import Request

from ..engine.backend import Backend
from ..engine.store import BatchRow
from ..http.api import ApiError, backend_of
from ..http.inline import create_inline, read_document

__all__ = ["create_batch"]

_ENDPOINTS = ("/v1/chat/completions", "/v1/responses", "/v1/messages", "/v1/embeddings")
_SERVED = {"/v1/chat/completions", "/v1/responses", "/v1/embeddings"}
_ROUTING = {"only", "allow_fallbacks"}


async def create_batch(request: Request) -> BatchRow:
    """Create a batch and start it."""
    backend = backend_of(request)
    now = backend.clock.now()
    row = BatchRow(
        id=backend.new_batch_id(f"batch-{int(now)}-"),
        provider="openrouter",
        account=request.state.account,
        created_at=now,
        plan="{}",
        validated=True,
    )
    limit = backend.faults.limits.openrouter_bytes
    return await create_inline(request, row, limit, _add)


def _add(backend: Backend, row: BatchRow, body: Path) -> BatchRow:
    members = read_document(body, dict[str, msgspec.Raw])
    _check_order(list(members))
    endpoint, model = _text(members, "endpoint"), _text(members, "model")
    if endpoint not in _ENDPOINTS:
        raise ApiError(400, f"endpoint must be one of {', '.join(_ENDPOINTS)}")
    if endpoint not in _SERVED:
        raise ApiError(400, f"The sandbox answers no requests of {endpoint}.")
    if "completion_window" in members and _text(members, "completion_window") != "24h":
        raise ApiError(400, "completion_window must be 24h")
    routing = orjson.loads(memoryview(members.get("provider", b"null"))) or {}
    if extra := routing.keys() - _ROUTING:
        raise ApiError(400, f"provider.{min(extra)} is not supported for batches")
    custom_ids = _store(backend, backend.store.path(row.id), members["requests"], model)
    row = replace(
        row,
        endpoint=endpoint,
        model=model,
        total=len(custom_ids),
        first_custom_id=next(iter(custom_ids)),
        plan=backend.new_plan(row.provider),
    )
    backend.store.add(row)
    return row


def _check_order(names: list[str]) -> None:
    """Refuse a body whose requests come before what they are for."""
    for name in ("endpoint", "model", "requests"):
        if name not in names:
            raise ApiError(400, f"Missing required field: {name}")
    late = names[names.index("requests") :]
    for name in ("endpoint", "model", "callback_url", "provider"):
        if name in late:
            raise ApiError(400, f"`{name}` must appear before `requests`.")


def _store(
    backend: Backend, path: Path, requests: msgspec.Raw, model: str
) -> dict[str, None]:
    """Store the requests as lines; return their custom_ids, in their order."""
    items, limit = _items(requests), backend.faults.limits.openrouter_requests
    if len(items) > limit:
        raise ApiError(400, f"A batch holds at most {limit} requests.")
    seen: dict[str, None] = {}
    with path.open("wb") as target:
        for number, raw in enumerate(items):
            item = orjson.loads(memoryview(raw))
            custom_id = _check(number, item, model)
            if custom_id in seen:
                raise ApiError(400, f"requests[{number}].custom_id is not unique")
            seen[custom_id] = None
            target.write(orjson.dumps(item) + b"\n")
    return seen


def _text(members: dict[str, msgspec.Raw], name: str) -> str:
    try:
        return msgspec.json.decode(members[name], type=str)
    except msgspec.ValidationError as exc:
        raise ApiError(400, f"{name} must be a string") from exc


def _items(raw: msgspec.Raw) -> list[msgspec.Raw]:
    try:
        items = msgspec.json.decode(raw, type=list[msgspec.Raw])
    except msgspec.ValidationError as exc:
        raise ApiError(400, "requests must be an array") from exc
    if not items:
        raise ApiError(400, "requests must not be empty")
    return items


def _check(number: int, item: Any, model: str) -> str:
    """Return the `custom_id` of a request, if it has the right members."""
    where = f"requests[{number}]"
    if not isinstance(item, dict) or not isinstance(item.get("body"), dict):
        raise ApiError(400, f"{where}.body must be an object")
    custom_id = item.get("custom_id")
    if not isinstance(custom_id, str) or not custom_id:
        raise ApiError(400, f"{where}.custom_id must be a string")
    if item["body"].get("model", model) != model:
        text = f"{where}.body.model must match the batch-level model"
        raise ApiError(400, text)
    if item["body"].get("stream"):
        raise ApiError(400, f"{where}.body.stream is not supported")
    return custom_id
