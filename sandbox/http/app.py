"""The ASGI application: the routes of all vendors, the control routes, middleware."""

from __future__ import annotations

from collections.abc import Mapping

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount
from starlette.types import ASGIApp

from ...errors import is_disk_full
from ..engine.backend import Backend
from . import control
from .api import ApiError, backend_of, disk_full, json_response
from .middleware import Middleware
from .vendor import Vendor

__all__ = ["make_app"]


def make_app(backend: Backend, vendors: Mapping[str, Vendor]) -> ASGIApp:
    """Return the sandbox as an ASGI application."""
    app = Starlette(
        routes=[
            *(route for vendor in vendors.values() for route in vendor.routes),
            Mount("/_sandbox", routes=control.routes),
        ],
        exception_handlers={
            ApiError: _api_error,
            HTTPException: _http_error,
            OSError: _os_error,
        },
    )
    app.state.backend = backend
    return Middleware(app, backend, vendors)


async def _api_error(request: Request, exc: Exception) -> Response:
    assert isinstance(exc, ApiError)  # noqa: S101 - Starlette's handlers are untyped
    vendor: Vendor | None = getattr(request.state, "vendor", None)
    if vendor is None:  # a control route
        return json_response({"error": exc.message}, exc.status)
    body = vendor.error_body(exc, request.state.request_id)
    response = json_response(body, exc.status)
    response.headers.update(exc.headers)
    return response


async def _http_error(request: Request, exc: Exception) -> Response:
    assert isinstance(exc, HTTPException)  # noqa: S101 - as above
    text = f"Invalid URL ({request.method} {request.url.path})"
    return await _api_error(request, ApiError(exc.status_code, text))


async def _os_error(request: Request, exc: Exception) -> Response:
    if not is_disk_full(exc):
        raise exc
    return await _api_error(request, disk_full(backend_of(request).store.folder))
