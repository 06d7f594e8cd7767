"""The ASGI application: the routes of all vendors, the control routes, middleware."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount, Route
from starlette.types import ASGIApp

from ...errors import InputError, is_disk_full
from ..engine.backend import Backend
from ..faults import load_faults
from .api import ApiError, backend_of, disk_full, json_body, json_response
from .middleware import Middleware
from .vendor import Vendor

__all__ = ["make_app"]


def make_app(backend: Backend, vendors: Mapping[str, Vendor]) -> ASGIApp:
    """Return the sandbox as an ASGI application."""
    app = Starlette(
        routes=[
            *(route for vendor in vendors.values() for route in vendor.routes),
            Mount("/_sandbox", routes=_CONTROL),
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


async def _state(request: Request) -> Response:
    """Show time, faults and every batch of every account."""
    return json_response(backend_of(request).snapshot())


async def _calls(request: Request) -> Response:
    """Show the calls that arrived, oldest first, without their keys."""
    calls = [asdict(call) for call in backend_of(request).calls]
    return json_response({"calls": calls})


async def _set_faults(request: Request) -> Response:
    """Replace the faults by those in the body, JSON as in a fault file."""
    backend = backend_of(request)
    try:
        backend.set_faults(load_faults(await json_body(request)))
    except InputError as exc:
        raise ApiError(400, str(exc)) from exc
    return json_response(backend.snapshot()["faults"])


async def _advance(request: Request) -> Response:
    """Move the clock forward by `{"seconds": N}`."""
    backend = backend_of(request)
    seconds = (await json_body(request)).get("seconds")
    if not isinstance(seconds, int | float) or seconds < 0:
        raise ApiError(400, 'Expected {"seconds": N}, with N of at least 0.')
    now = backend.clock.advance(seconds)
    backend.save_clock()
    return json_response({"now": now})


_CONTROL = [
    Route("/state", _state, methods=["GET"]),
    Route("/calls", _calls, methods=["GET"]),
    Route("/faults", _set_faults, methods=["PUT"]),
    Route("/clock/advance", _advance, methods=["POST"]),
]
"""Routes under `/_sandbox`, which show and control a running sandbox."""
