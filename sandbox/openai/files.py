"""The routes of OpenAI's files API."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import IO, Any

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Route

from ..engine.backend import Backend
from ..engine.rows import BatchRow, FileRow
from ..http.envelopes import ApiError, json_response, new_id, page_of
from .api import expiry_of, whole

__all__ = ["PURPOSES", "check_name", "file_object", "keep", "routes"]

PURPOSES = ("assistants", "batch", "fine-tune", "vision", "user_data", "evals")
_MAX_BYTES = 512_000_000
_BATCH_SECONDS = 30 * 86_400
_MOST_FILES = 10_000


async def _upload(request: Request) -> Response:
    backend: Backend = request.app.state.backend
    try:
        async with request.form(max_files=1, max_fields=10) as form:
            file = form.get("file")
            if not isinstance(file, UploadFile):
                raise ApiError(400, "Missing required parameter: 'file'.", param="file")
            purpose = str(form.get("purpose") or "")
            after: dict[str, Any] | None = None
            if "expires_after[anchor]" in form or "expires_after[seconds]" in form:
                after = {
                    "anchor": form.get("expires_after[anchor]"),
                    "seconds": form.get("expires_after[seconds]"),
                }
            seconds = expiry_of(after, "expires_after")
            check_name(purpose, file.filename or "")
            row = await run_in_threadpool(
                keep,
                backend,
                request.state.account,
                file.file,
                purpose,
                file.filename or "upload",
                seconds,
            )
    except MultiPartException as exc:
        raise ApiError(400, f"The form could not be read: {exc.message}") from exc
    return json_response(file_object(row))


def check_name(purpose: str, filename: str) -> None:
    """Refuse what OpenAI refuses before it looks at a file's content."""
    if purpose not in PURPOSES:
        words = ", ".join(f"'{word}'" for word in PURPOSES)
        raise ApiError(
            400,
            f"'{purpose}' is not one of [{words}] - 'purpose'",
            param="purpose",
        )
    if purpose == "batch" and not filename.endswith(".jsonl"):
        raise ApiError(
            400,
            f"Invalid file format for Batch API: '{filename}'. Must be .jsonl",
            param="file",
        )


def keep(
    backend: Backend,
    account: str,
    source: IO[bytes],
    purpose: str,
    filename: str,
    seconds: int | None,
) -> FileRow:
    """Store a file's content, then the file."""
    file_id = new_id("file-")
    path = backend.store.path(file_id)
    try:
        with path.open("wb") as target:
            shutil.copyfileobj(source, target, 1 << 20)
        size = path.stat().st_size
        _check_content(purpose, path, size)
        now = backend.clock.now()
        if seconds is None and purpose == "batch":
            seconds = _BATCH_SECONDS
        expires = None if seconds is None else now + seconds
        row = FileRow(file_id, account, purpose, filename, size, now, expires)
        backend.store.add(row)
    except (ApiError, OSError):
        path.unlink(missing_ok=True)
        raise
    return row


def _check_content(purpose: str, path: Path, size: int) -> None:
    if size == 0:
        raise ApiError(400, "File is empty.", param="file")
    if size > _MAX_BYTES:
        raise ApiError(
            413, f"The file is larger than {_MAX_BYTES} bytes.", param="file"
        )
    if purpose == "batch":
        with path.open("rb") as file:
            if b"{" not in file.read(4096):
                raise ApiError(
                    400,
                    "Expected file to have JSONL format, where every line is a valid"
                    " JSON dictionary. Line 1 is not a dictionary.",
                    param="file",
                )


def file_object(row: FileRow) -> dict[str, Any]:
    """Return a file as the API shows it."""
    return {
        "object": "file",
        "id": row.id,
        "purpose": row.purpose,
        "filename": row.filename,
        "bytes": row.bytes,
        "created_at": int(row.created_at),
        "expires_at": None if row.expires_at is None else int(row.expires_at),
        "status": "processed",
        "status_details": None,
    }


def _find(request: Request) -> tuple[Backend, FileRow]:
    backend: Backend = request.app.state.backend
    file_id = request.path_params["id"]
    row = backend.store.get(FileRow, file_id, request.state.account)
    now = backend.clock.now()
    if row is None or row.created_at > now or (row.expires_at or now + 1) <= now:
        raise ApiError(404, f"No such File object: {file_id}", param="id")
    return backend, row


async def _retrieve(request: Request) -> Response:
    return json_response(file_object(_find(request)[1]))


async def _content(request: Request) -> Response:
    backend, row = _find(request)
    return FileResponse(
        backend.store.path(row.id), media_type="application/octet-stream"
    )


async def _delete(request: Request) -> Response:
    backend, row = _find(request)
    backend.store.remove(FileRow, row.id)
    # A batch that has begun with a file goes on without it, as in production.
    if not backend.store.select(BatchRow, input_file_id=row.id, limit=1):
        backend.store.path(row.id).unlink(missing_ok=True)
    return json_response({"id": row.id, "object": "file", "deleted": True})


async def _list(request: Request) -> Response:
    backend: Backend = request.app.state.backend
    account = request.state.account
    limit = page_of(request, _MOST_FILES, _MOST_FILES)
    newest_first = request.query_params.get("order", "desc") != "asc"
    bound = None
    if after := request.query_params.get("after"):
        bound = backend.store.seq(FileRow, after, account)
    equal = {"account": account}
    if purpose := request.query_params.get("purpose"):
        equal["purpose"] = purpose
    rows = backend.store.select(
        FileRow,
        newest_first=newest_first,
        before=bound if newest_first else None,
        after=None if newest_first else bound,
        **equal,
    )
    now = backend.clock.now()
    rows = [
        row
        for row in rows
        if row.created_at <= now and (row.expires_at is None or row.expires_at > now)
    ]
    items = [file_object(row) for row in rows[:limit]]
    return json_response(whole(items, more=len(rows) > limit))


routes = [
    Route("/files", _upload, methods=["POST"]),
    Route("/files", _list, methods=["GET"]),
    Route("/files/{id}", _retrieve, methods=["GET"]),
    Route("/files/{id}", _delete, methods=["DELETE"]),
    Route("/files/{id}/content", _content, methods=["GET"]),
]
