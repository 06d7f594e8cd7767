"""The route of Anthropic's Messages API: one request, answered at once."""

from __future__ import annotations

import orjson
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ..answers.answer import Failure
from ..answers.spoil import spoil_line
from ..http.api import ApiError, backend_of, json_body
from .lines import answer_message

__all__ = ["routes"]


async def _ask(request: Request) -> Response:
    backend = backend_of(request)
    params = await json_body(request)
    model = params.get("model")
    if isinstance(model, str) and not model.startswith("claude"):
        raise ApiError(404, f"model: {model}")
    fault = backend.answer_fault()
    found = await run_in_threadpool(
        answer_message,
        backend.new_batch_id("realtime_"),
        {"custom_id": "", "params": params},
        backend.source,
        fault,
        backend.faults.seed,
    )
    if isinstance(found, Failure):
        raise ApiError(found.status, found.message)
    message, _ = found
    if message["usage"]:
        message["usage"]["service_tier"] = "standard"
    content = spoil_line(orjson.dumps(message), fault.kind if fault else None)
    return Response(content, media_type="application/json")


def routes(base_path: str) -> list[Route]:
    """Return the route below a base path, named after its operation."""
    return [Route(f"{base_path}/v1/messages", _ask, methods=["POST"], name="ask")]
