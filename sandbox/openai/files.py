"""The routes of OpenAI's files API."""

from __future__ import annotations

import secrets
import shutil
from pathlib import PurePosixPath
from typing import IO, Any

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Route

from ..engine.backend import Backend
from ..engine.store import BatchRow, FileRow
from ..http.api import ApiError, backend_of, json_response, limit_of
from .dialects import Dialect, dialect_of
from .envelopes import expiry_of, list_page

__all__ = ["file_object", "refuse_pending", "routes"]

_PURPOSES = ("assistants", "batch", "fine-tune", "vision", "user_data", "evals")
_MAX_BYTES = 512_000_000
_BATCH_SECONDS = 30 * 86_400
_MAX_LISTED = 10_000


async def _upload(request: Request) -> Response:
    try:
        async with request.form(max_files=1, max_fields=10) as form:
            file = form.get("file")
            if not isinstance(file, UploadFile):
                raise ApiError(400, "Missing required parameter: 'file'.", param="file")
            purpose = str(form.get("purpose") or "")
            filename = file.filename or "upload"
            dialect = dialect_of(request)
            _check_name(dialect, purpose, filename)
            after: dict[str, Any] | None = None
            if "expires_after[anchor]" in form or "expires_after[seconds]" in form:
                after = {
                    "anchor": form.get("expires_after[anchor]"),
                    "seconds": form.get("expires_after[seconds]"),
                }
            if after and not dialect.takes_expiry:
                raise ApiError(400, "Unknown parameter: 'expires_after'.")
            seconds = expiry_of(after, "expires_after")
            if seconds is None and purpose == "batch":
                seconds = _BATCH_SECONDS
            now = backend_of(request).clock.now()
            row = FileRow(
                id=f"file-sandbox_{secrets.token_hex(12)}",
                account=request.state.account,
                purpose=purpose,
                filename=filename,
                bytes=file.size or 0,
                created_at=now,
                expires_at=None if seconds is None else now + seconds,
            )
            await run_in_threadpool(_store, backend_of(request), row, file.file)
    except MultiPartException as exc:
        raise ApiError(400, f"The form could not be read: {exc.message}") from exc
    return json_response(file_object(row, dialect))


def _check_name(dialect: Dialect, purpose: str, filename: str) -> None:
    """Refuse a purpose or a file name, before the content is read."""
    known = _PURPOSES if dialect.purpose in _PURPOSES else (dialect.purpose,)
    if purpose not in known:
        words = ", ".join(f"'{word}'" for word in known)
        text = f"'{purpose}' is not one of [{words}] - 'purpose'"
        raise ApiError(400, text, param="purpose")
    # A name without an extension is accepted: SDKs name raw bytes `upload`.
    if purpose == "batch" and PurePosixPath(filename).suffix not in {"", ".jsonl"}:
        raise ApiError(
            400, f"Invalid file format for Batch API: '{filename}'. Must be .jsonl"
        )


def _store(backend: Backend, row: FileRow, content: IO[bytes]) -> None:
    if row.bytes == 0:
        raise ApiError(400, "File is empty.", param="file")
    if row.bytes > _MAX_BYTES:
        text = f"The file is larger than {_MAX_BYTES} bytes."
        raise ApiError(413, text, param="file")
    if row.purpose == "batch" and b"{" not in content.read(4096):
        text = (
            "Expected file to have JSONL format, where every line is a valid JSON"
            " dictionary. Line 1 is not a dictionary."
        )
        raise ApiError(400, text, param="file")
    content.seek(0)
    path = backend.store.path(row.id)
    try:
        with path.open("wb") as target:
            shutil.copyfileobj(content, target, 1 << 20)
        backend.store.add(row)
    except OSError:
        path.unlink(missing_ok=True)
        raise


def file_object(row: FileRow, dialect: Dialect) -> dict[str, Any]:
    """Return a file as the API shows it."""
    return {
        **dialect.file_members,
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


def _is_visible(row: FileRow, now: float) -> bool:
    """Return whether a file exists by now: result files are written in advance."""
    return row.created_at <= now and (row.expires_at is None or now < row.expires_at)


def _find(request: Request) -> FileRow:
    backend, file_id = backend_of(request), request.path_params["id"]
    row = backend.store.get(FileRow, file_id, account=request.state.account)
    if row is None or not _is_visible(row, backend.clock.now()):
        raise ApiError(404, f"No such File object: {file_id}", param="id")
    return row


async def _retrieve(request: Request) -> Response:
    backend, row = backend_of(request), _find(request)
    file = file_object(row, dialect_of(request))
    if _looks_left(request, row.id):
        backend.file_looks[row.id] += 1
        file["status"] = "pending"
    return json_response(file)


def _looks_left(request: Request, file_id: str) -> bool:
    looks = backend_of(request).file_looks[file_id]
    return looks < dialect_of(request).pending_looks


def refuse_pending(request: Request, file_id: str) -> None:
    """Refuse a batch of a file that the service has not read yet."""
    if _looks_left(request, file_id):
        raise ApiError(400, f"The file {file_id} is not processed yet.", code="pending")


async def _content(request: Request) -> Response:
    path = backend_of(request).store.path(_find(request).id)
    return FileResponse(path, media_type="application/octet-stream")


async def _delete(request: Request) -> Response:
    store, row = backend_of(request).store, _find(request)
    store.remove(FileRow, row.id)
    # A batch that has started with a file continues without it, as in production.
    if not store.select(BatchRow, input_file_id=row.id, limit=1):
        store.path(row.id).unlink(missing_ok=True)
    return json_response({"id": row.id, "object": "file", "deleted": True})


async def _list(request: Request) -> Response:
    backend, query = backend_of(request), request.query_params
    limit = limit_of(request, _MAX_LISTED, _MAX_LISTED)
    newest_first = query.get("order", "desc") != "asc"
    equal = {"account": request.state.account}
    last = backend.store.get(FileRow, query.get("after", ""), **equal)
    bound = last.seq if last else None
    if purpose := query.get("purpose"):
        equal["purpose"] = purpose
    rows = backend.store.select(
        FileRow,
        newest_first=newest_first,
        before=bound if newest_first else None,
        after=None if newest_first else bound,
        **equal,
    )
    now = backend.clock.now()
    dialect = dialect_of(request)
    items = [file_object(row, dialect) for row in rows if _is_visible(row, now)]
    return json_response(list_page(items, limit))


def routes(base_path: str) -> list[Route]:
    """Return the routes below a base path, each named after its operation."""
    path = f"{base_path}/files"
    return [
        Route(path, _upload, methods=["POST"], name="upload"),
        Route(path, _list, methods=["GET"], name="file"),
        Route(path + "/{id}", _retrieve, methods=["GET"], name="file"),
        Route(path + "/{id}", _delete, methods=["DELETE"], name="delete"),
        Route(path + "/{id}/content", _content, methods=["GET"], name="download"),
    ]
