"""The routes of Gemini's files: uploads in parts, downloads."""

from __future__ import annotations

import secrets
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Route

from ..engine.backend import Backend
from ..engine.store import FileRow
from ..http.api import ApiError, backend_of, json_body, json_response
from .envelopes import timestamp

__all__ = ["KEYLESS", "file_of", "routes"]

KEYLESS = "upload_part"
"""Parts go to an address that only who began the upload knows."""
_KEPT_SECONDS = 48 * 3600
_MAX_BYTES = 2_000_000_000
_GRAIN_BYTES = 256 << 10


async def _start(request: Request) -> Response:
    """Begin an upload; the answer's header says where its parts go."""
    headers, backend = request.headers, backend_of(request)
    if headers.get("x-goog-upload-protocol") != "resumable":
        raise ApiError(400, "Only resumable uploads are served here.")
    if headers.get("x-goog-upload-command") != "start":
        raise ApiError(400, "Invalid value for the header x-goog-upload-command.")
    given = headers.get("x-goog-upload-header-content-length", "")
    if not given.isdecimal() or int(given) > _MAX_BYTES:
        raise ApiError(400, f"A file has at most {_MAX_BYTES} bytes, not {given!r}.")
    about = (await json_body(request)).get("file") or {}
    file_id = f"sandbox{secrets.token_hex(6)}"
    session = {
        "account": request.state.account,
        "size": int(given),
        "name": about.get("displayName") or about.get("display_name") or "",
    }
    backend.store.path(f"{file_id}.upload").write_bytes(orjson.dumps(session))
    backend.store.path(f"{file_id}.part").touch()
    url = f"{request.url.scheme}://{headers['host']}{request.url.path}/{file_id}"
    response = json_response({})
    response.headers["x-goog-upload-url"] = f"{url}?upload_protocol=resumable"
    response.headers["x-goog-upload-status"] = "active"
    return response


async def _part(request: Request) -> Response:
    backend, file_id = backend_of(request), request.path_params["id"]
    session_path = backend.store.path(f"{file_id}.upload")
    part_path = backend.store.path(f"{file_id}.part")
    if not session_path.exists():
        raise ApiError(404, "This upload is not known, or has ended.")
    session = orjson.loads(session_path.read_bytes())
    commands = request.headers.get("x-goog-upload-command", "").split(", ")
    received = part_path.stat().st_size
    response = json_response({})
    if "upload" in commands:
        offset = request.headers.get("x-goog-upload-offset")
        if offset != str(received):
            raise ApiError(400, f"The next part starts at {received}, not {offset}.")
        with part_path.open("ab") as file:
            async for block in request.stream():
                file.write(block)
        size = part_path.stat().st_size
        if "finalize" not in commands and (size - received) % _GRAIN_BYTES:
            with part_path.open("ab") as file:
                file.truncate(received)
            raise ApiError(400, f"A part must be a multiple of {_GRAIN_BYTES} bytes.")
        received = size
    if "finalize" in commands:
        if received != session["size"]:
            raise ApiError(400, f"{received} of {session['size']} bytes arrived.")
        response = json_response({"file": _finish(backend, file_id, session)})
    status = "final" if "finalize" in commands else "active"
    response.headers["x-goog-upload-status"] = status
    response.headers["x-goog-upload-size-received"] = str(received)
    return response


def _finish(backend: Backend, file_id: str, session: dict[str, Any]) -> dict[str, Any]:
    now, store = backend.clock.now(), backend.store
    row = FileRow(
        id=file_id,
        account=session["account"],
        purpose="gemini",
        filename=session["name"],
        bytes=session["size"],
        created_at=now,
        expires_at=now + _KEPT_SECONDS,
    )
    store.path(f"{file_id}.part").rename(store.path(file_id))
    store.add(row)
    store.path(f"{file_id}.upload").unlink()
    return _file_object(row)


def _file_object(row: FileRow) -> dict[str, Any]:
    return {
        "name": f"files/{row.id}",
        "displayName": row.filename,
        "mimeType": "application/jsonl",
        "sizeBytes": str(row.bytes),
        "createTime": timestamp(row.created_at),
        "updateTime": timestamp(row.created_at),
        "expirationTime": timestamp(row.expires_at or row.created_at),
        "uri": f"https://generativelanguage.googleapis.com/v1/files/{row.id}",
        "state": "ACTIVE",
        "source": "UPLOADED",
    }


def file_of(backend: Backend, account: str, file_id: str) -> FileRow:
    """Return a file that exists by now; result files are written in advance."""
    row = backend.store.get(FileRow, file_id.removeprefix("files/"), account=account)
    now = backend.clock.now()
    if row is None or not row.created_at <= now < (row.expires_at or now + 1):
        raise ApiError(
            403,
            f"You do not have permission to access the File {file_id} or it may not"
            " exist.",
        )
    return row


def _find(request: Request) -> FileRow:
    backend, account = backend_of(request), request.state.account
    return file_of(backend, account, request.path_params["id"])


async def _get(request: Request) -> Response:
    return json_response(_file_object(_find(request)))


async def _download(request: Request) -> Response:
    if request.query_params.get("alt") != "media":
        raise ApiError(400, "A download needs alt=media.")
    path = backend_of(request).store.path(_find(request).id)
    return FileResponse(path, media_type="application/octet-stream")


async def _delete(request: Request) -> Response:
    store, row = backend_of(request).store, _find(request)
    store.remove(FileRow, row.id)
    return json_response({})


def routes(base_path: str) -> list[Route]:
    """Return the routes below a base path, each named after its operation."""
    upload, one = f"{base_path}/upload/v1/files", f"{base_path}/v1/files/{{id}}"
    return [
        Route(upload, _start, methods=["POST"], name="upload"),
        Route(upload + "/{id}", _part, methods=["POST"], name=KEYLESS),
        Route(one + ":download", _download, methods=["GET"], name="download"),
        Route(one, _get, methods=["GET"], name="file"),
        Route(one, _delete, methods=["DELETE"], name="delete"),
    ]
