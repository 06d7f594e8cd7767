"""A small S3 for runs in a sandbox: put, get, look at, and list objects."""

from __future__ import annotations

from xml.sax.saxutils import escape

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Route

from ..engine.store import FileRow
from ..http.api import backend_of
from .objects import PURPOSE, Objects, object_row

__all__ = ["routes"]


def _uri(request: Request) -> str:
    parts = request.path_params
    return f"s3://{parts['bucket']}/{parts.get('key', '')}"


async def _put(request: Request) -> Response:
    backend, uri = backend_of(request), _uri(request)
    path = backend.store.path(f"{request.state.request_id}.s3")
    try:
        with path.open("wb") as file:
            async for block in request.stream():
                file.write(block)
        objects = Objects(backend.store, request.state.account)
        await run_in_threadpool(objects.keep, uri, path, backend.clock.now())
    finally:
        path.unlink(missing_ok=True)
    return Response(headers={"etag": '"sandbox"'})


async def _get(request: Request) -> Response:
    store = backend_of(request).store
    row = object_row(request.state.account, _uri(request), 0, 0)
    if store.get(FileRow, row.id) is None:
        return _xml("<Error><Code>NoSuchKey</Code></Error>", 404)
    return FileResponse(store.path(row.id), media_type="application/octet-stream")


async def _list(request: Request) -> Response:
    start = _uri(request) + request.query_params.get("prefix", "")
    rows = backend_of(request).store.select(
        FileRow, account=request.state.account, purpose=PURPOSE
    )
    bucket = len(_uri(request))
    found = "".join(
        f"<Contents><Key>{escape(row.filename[bucket:])}</Key>"
        f"<Size>{row.bytes}</Size></Contents>"
        for row in rows
        if row.filename.startswith(start)
    )
    page = f"<IsTruncated>false</IsTruncated>{found}"
    return _xml(f"<ListBucketResult>{page}</ListBucketResult>")


def _xml(content: str, status: int = 200) -> Response:
    head = '<?xml version="1.0" encoding="UTF-8"?>'
    return Response(head + content, status, media_type="application/xml")


def routes(base_path: str) -> list[Route]:
    """Return the routes below a base path, each named after its operation."""
    path = base_path + "/s3/{bucket}"
    return [
        Route(path + "/{key:path}", _put, methods=["PUT"], name="upload"),
        Route(path, _list, methods=["GET"], name="file"),
        Route(path + "/{key:path}", _get, methods=["GET"], name="download"),
    ]
