"""The routes of OpenAI's uploads API: a file that arrives in parts."""

from __future__ import annotations

import hashlib
import shutil
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ..engine.backend import Backend
from ..engine.rows import FileRow, PartRow, UploadRow
from ..http.envelopes import ApiError, json_body, json_response, new_id
from .api import expiry_of
from .files import check_name, file_object, keep

__all__ = ["routes"]

_OPEN_SECONDS = 3600
_MAX_BYTES = 8_000_000_000
_MAX_PART_BYTES = 64 << 20


async def _create(request: Request) -> Response:
    backend: Backend = request.app.state.backend
    body = await json_body(request)
    for name in ("filename", "purpose", "bytes", "mime_type"):
        if name not in body:
            raise ApiError(
                400,
                f"Missing required parameter: '{name}'.",
                code="missing_required_parameter",
                param=name,
            )
    check_name(body["purpose"], body["filename"])
    if not isinstance(body["bytes"], int) or not 0 < body["bytes"] <= _MAX_BYTES:
        text = f"Invalid 'bytes': expected a value between 1 and {_MAX_BYTES}."
        raise ApiError(400, text, param="bytes")
    row = UploadRow(
        id=new_id("upload_"),
        account=request.state.account,
        filename=body["filename"],
        purpose=body["purpose"],
        bytes=body["bytes"],
        created_at=backend.clock.now(),
        expires_after_seconds=expiry_of(body.get("expires_after"), "expires_after"),
    )
    backend.store.add(row)
    return json_response(_upload(backend, row))


def _find(request: Request, *, pending: bool = True) -> tuple[Backend, UploadRow]:
    backend: Backend = request.app.state.backend
    upload_id = request.path_params["id"]
    row = backend.store.get(UploadRow, upload_id, request.state.account)
    if row is None:
        raise ApiError(404, f"No such Upload object: {upload_id}", param="id")
    status = _status(backend, row)
    if pending and status != "pending":
        raise ApiError(400, f"Upload {upload_id} is {status}.")
    return backend, row


def _status(backend: Backend, row: UploadRow) -> str:
    over = backend.clock.now() >= row.created_at + _OPEN_SECONDS
    return "expired" if row.status == "pending" and over else row.status


async def _add_part(request: Request) -> Response:
    backend, row = _find(request)
    async with request.form(max_files=1) as form:
        data = form.get("data")
        if not isinstance(data, UploadFile):
            raise ApiError(400, "Missing required parameter: 'data'.", param="data")
        if (data.size or 0) > _MAX_PART_BYTES:
            raise ApiError(413, f"A part has at most {_MAX_PART_BYTES} bytes.")
        part = PartRow(new_id("part_"), row.id, data.size or 0, backend.clock.now())
        path = backend.store.path(part.id)
        try:
            with path.open("wb") as target:
                await run_in_threadpool(shutil.copyfileobj, data.file, target)
            backend.store.add(part)
        except OSError:
            path.unlink(missing_ok=True)
            raise
    return json_response(
        {
            "id": part.id,
            "object": "upload.part",
            "created_at": int(part.created_at),
            "upload_id": row.id,
        }
    )


async def _complete(request: Request) -> Response:
    backend, row = _find(request)
    body = await json_body(request)
    parts = [_part(backend, row, each) for each in body.get("part_ids") or ()]
    size = sum(part.bytes for part in parts)
    if size != row.bytes:
        raise ApiError(
            400, f"The parts have {size} bytes, but the upload was to have {row.bytes}."
        )
    file = await run_in_threadpool(_join, backend, row, parts, body.get("md5"))
    backend.store.update(UploadRow, row.id, status="completed", file_id=file.id)
    return json_response(_upload(*_find(request, pending=False)))


def _part(backend: Backend, row: UploadRow, part_id: str) -> PartRow:
    part = backend.store.get(PartRow, part_id)
    if part is None or part.upload_id != row.id:
        raise ApiError(400, f"Upload {row.id} has no part {part_id!r}.")
    return part


def _join(
    backend: Backend, row: UploadRow, parts: list[PartRow], md5: str | None
) -> FileRow:
    whole = backend.store.path(f"{row.id}.whole")
    digest = hashlib.md5(usedforsecurity=False)
    try:
        with whole.open("w+b") as target:
            for part in parts:
                data = backend.store.path(part.id).read_bytes()
                digest.update(data)
                target.write(data)
            if md5 is not None and md5 != digest.hexdigest():
                raise ApiError(400, "The md5 does not match the parts.", param="md5")
            target.seek(0)
            upload = (row.purpose, row.filename, row.expires_after_seconds)
            file = keep(backend, row.account, target, *upload)
    finally:
        whole.unlink(missing_ok=True)
    for part in parts:
        backend.store.path(part.id).unlink(missing_ok=True)
    return file


async def _cancel(request: Request) -> Response:
    backend, row = _find(request)
    backend.store.update(UploadRow, row.id, status="cancelled")
    return json_response(_upload(*_find(request, pending=False)))


def _upload(backend: Backend, row: UploadRow) -> dict[str, Any]:
    file = backend.store.get(FileRow, row.file_id) if row.file_id else None
    return {
        "id": row.id,
        "object": "upload",
        "bytes": row.bytes,
        "created_at": int(row.created_at),
        "expires_at": int(row.created_at + _OPEN_SECONDS),
        "filename": row.filename,
        "purpose": row.purpose,
        "status": _status(backend, row),
        "file": file and file_object(file),
    }


routes = [
    Route("/uploads", _create, methods=["POST"]),
    Route("/uploads/{id}/parts", _add_part, methods=["POST"]),
    Route("/uploads/{id}/complete", _complete, methods=["POST"]),
    Route("/uploads/{id}/cancel", _cancel, methods=["POST"]),
]
