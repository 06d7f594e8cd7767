"""The routes of OpenRouter's endpoints: one request, answered at once."""

from __future__ import annotations

import orjson
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ..answers.answer import Failure
from ..answers.spoil import spoil_line
from ..engine.store import BatchRow
from ..http.api import ApiError, backend_of, json_body
from ..openai.lines import answer_body

__all__ = ["routes"]

_PATHS = ("/chat/completions", "/responses", "/embeddings")


async def _ask(request: Request) -> Response:
    backend, body = backend_of(request), await json_body(request)
    model = body.get("model")
    if backend.faults.models and model not in backend.faults.models:
        raise ApiError(404, f"No endpoints found for {model}.")
    fault = backend.answer_fault()
    row = BatchRow(  # what an answer is made from; no batch of this ID exists
        id=backend.new_batch_id("realtime-"),
        provider="openrouter",
        account=request.state.account,
        created_at=backend.clock.now(),
        plan="{}",
        endpoint="/v1" + request.url.path.partition("/api/v1")[2],
    )
    found = await run_in_threadpool(
        answer_body,
        row,
        {"custom_id": "", "body": body},
        backend.source,
        fault,
        backend.faults.seed,
    )
    if isinstance(found, Failure):
        raise ApiError(found.status, found.message)
    content = spoil_line(orjson.dumps(found[0]), fault.kind if fault else None)
    return Response(content, media_type="application/json")


def routes(base_path: str) -> list[Route]:
    """Return the routes below a base path, all of one operation."""
    return [
        Route(base_path + path, _ask, methods=["POST"], name="ask") for path in _PATHS
    ]
