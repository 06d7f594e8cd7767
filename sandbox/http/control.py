"""Routes under `/_sandbox`: look at a running sandbox, and steer it."""

from __future__ import annotations

from dataclasses import asdict

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ...errors import InputError
from ..engine.backend import Backend
from .envelopes import json_response

__all__ = ["routes"]


async def _state(request: Request) -> Response:
    """Show time, faults and every batch of every account."""
    backend: Backend = request.app.state.backend
    return json_response(backend.snapshot())


async def _calls(request: Request) -> Response:
    """Show the calls that arrived, oldest first, without their keys."""
    backend: Backend = request.app.state.backend
    return json_response({"calls": [asdict(call) for call in backend.calls]})


async def _set_faults(request: Request) -> Response:
    """Replace the faults by those of the body, JSON as in a fault file."""
    backend: Backend = request.app.state.backend
    try:
        backend.set_faults(orjson.loads(await request.body() or b"{}"))
    except (InputError, orjson.JSONDecodeError) as exc:
        return json_response({"error": str(exc)}, 400)
    return json_response(backend.snapshot()["faults"])


async def _advance(request: Request) -> Response:
    """Move the clock forward by `{"seconds": N}`."""
    backend: Backend = request.app.state.backend
    try:
        seconds = float(orjson.loads(await request.body())["seconds"])
    except (orjson.JSONDecodeError, KeyError, TypeError, ValueError):
        seconds = -1.0
    if seconds < 0:
        return json_response({"error": 'Expected {"seconds": N}, N from 0 on.'}, 400)
    now = backend.clock.advance(seconds)
    backend.keep_clock()
    return json_response({"now": now})


routes = [
    Route("/state", _state, methods=["GET"]),
    Route("/calls", _calls, methods=["GET"]),
    Route("/faults", _set_faults, methods=["PUT"]),
    Route("/clock/advance", _advance, methods=["POST"]),
]
