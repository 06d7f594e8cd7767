"""Uploads in two steps, as Together has them: a place to put a file, then the file."""

from __future__ import annotations

import secrets

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ..engine.store import FileRow
from ..http.api import ApiError, backend_of, json_response
from .dialects import dialect_of
from .files import file_object

__all__ = ["KEYLESS", "routes"]

KEYLESS = "put"
"""The operation that needs no key: its address is secret."""


async def _place(request: Request) -> Response:
    dialect, backend = dialect_of(request), backend_of(request)
    async with request.form(max_fields=10) as form:
        purpose, name = str(form.get("purpose")), str(form.get("file_name"))
    if purpose != dialect.purpose:
        raise ApiError(400, f"Unknown purpose '{purpose}'.", param="purpose")
    row = FileRow(
        id=f"file-sandbox_{secrets.token_hex(12)}",
        account=request.state.account,
        purpose=purpose,
        filename=name,
        bytes=0,
        created_at=backend.clock.now(),
    )
    backend.store.add(row)
    place = f"{request.base_url}{dialect.base_path.lstrip('/')}/signed/{row.id}"
    return Response(
        status_code=302, headers={"location": place, "x-together-file-id": row.id}
    )


def _find(request: Request) -> FileRow:
    file_id = request.path_params["id"]
    row = backend_of(request).store.get(FileRow, file_id)
    if row is None:
        raise ApiError(404, f"No such File object: {file_id}", param="id")
    return row


async def _put(request: Request) -> Response:
    store, row = backend_of(request).store, _find(request)
    size = 0
    with store.path(row.id).open("wb") as target:
        async for block in request.stream():
            size += target.write(block)
    store.update(FileRow, row.id, bytes=size)
    return Response()


async def _preprocess(request: Request) -> Response:
    return json_response(
        {**file_object(_find(request), dialect_of(request)), "FileType": "jsonl"}
    )


def routes(base_path: str) -> list[Route]:
    """Return the routes below a base path that stand before those of plain files."""
    path = f"{base_path}/files"
    return [
        Route(path, _place, methods=["POST"], name="upload"),
        Route(path + "/{id}/preprocess", _preprocess, methods=["POST"], name="file"),
        Route(f"{base_path}/signed/{{id}}", _put, methods=["PUT"], name=KEYLESS),
    ]
