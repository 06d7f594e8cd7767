"""The ASGI application: both APIs, the control routes, and the gate before them."""

from __future__ import annotations

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Mount
from starlette.types import ASGIApp

from ...errors import is_disk_full
from ..anthropic import api as _anthropic_api
from ..engine.backend import Backend
from ..openai import (
    api as _openai_api,
)
from ..openai import (
    files as _openai_files,
)
from ..openai import (
    uploads as _openai_uploads,
)
from . import control as _control
from .envelopes import ApiError, error_body, json_response, no_room, provider_of
from .middleware import Gate

__all__ = ["make_app"]


def make_app(backend: Backend) -> ASGIApp:
    """Return the sandbox as an ASGI application."""
    routes: list[BaseRoute] = [
        Mount(
            "/openai/v1",
            routes=[
                *_openai_api.routes,
                *_openai_files.routes,
                *_openai_uploads.routes,
            ],
        ),
        *_anthropic_api.routes,
        Mount("/_sandbox", routes=_control.routes),
    ]
    app = Starlette(
        routes=routes,
        exception_handlers={
            ApiError: _api_error,
            HTTPException: _http_error,
            OSError: _os_error,
        },
    )
    app.state.backend = backend
    return Gate(app, backend)


async def _api_error(request: Request, exc: Exception) -> Response:
    assert isinstance(exc, ApiError)  # noqa: S101 - Starlette's handlers are untyped
    provider = provider_of(request.url.path, request.headers)
    request_id = getattr(request.state, "request_id", "")
    response = json_response(error_body(provider, exc, request_id), exc.status)
    response.headers.update(exc.headers)
    return response


async def _http_error(request: Request, exc: Exception) -> Response:
    assert isinstance(exc, HTTPException)  # noqa: S101 - as above
    text = f"Invalid URL ({request.method} {request.url.path})"
    return await _api_error(request, ApiError(exc.status_code, text))


async def _os_error(request: Request, exc: Exception) -> Response:
    if not is_disk_full(exc):
        raise exc
    backend: Backend = request.app.state.backend
    return await _api_error(request, no_room(backend.store.folder))
