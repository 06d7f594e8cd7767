"""Routes under `/_sandbox` that show and control a running sandbox."""

from __future__ import annotations

from dataclasses import asdict

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ...errors import InputError
from ..faults import load_faults
from .api import ApiError, backend_of, json_body, json_response

__all__ = ["routes"]


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


routes = [
    Route("/state", _state, methods=["GET"]),
    Route("/calls", _calls, methods=["GET"]),
    Route("/faults", _set_faults, methods=["PUT"]),
    Route("/clock/advance", _advance, methods=["POST"]),
]
