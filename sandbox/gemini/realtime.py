"""The routes of Gemini's models: one request, answered at once."""

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
from .batches import EMBEDDINGS
from .lines import answer_response

__all__ = ["routes"]


async def _ask(request: Request) -> Response:
    backend, model = backend_of(request), request.path_params["model"]
    asked = await json_body(request)
    if backend.faults.models and model not in backend.faults.models:
        raise ApiError(404, f"models/{model} is not found for API version v1.")
    fault = backend.answer_fault()
    is_embedding = request.url.path.endswith(":embedContent")
    row = BatchRow(  # what an answer is made from; no batch of this ID exists
        id=backend.new_batch_id("realtime"),
        provider="gemini",
        account=request.state.account,
        created_at=backend.clock.now(),
        plan="{}",
        endpoint=EMBEDDINGS if is_embedding else None,
        model=model,
    )
    found = await run_in_threadpool(
        answer_response,
        row,
        {"key": "", "request": asked},
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
    model = f"{base_path}/v1/models/{{model}}"
    return [
        Route(f"{model}:{method}", _ask, methods=["POST"], name="ask")
        for method in ("generateContent", "embedContent")
    ]
