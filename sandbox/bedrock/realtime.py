"""The routes of Bedrock's models themselves: one request, answered at once."""

from __future__ import annotations

import orjson
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ..answers.answer import Failure
from ..answers.spoil import spoil_line
from ..engine.store import BatchRow
from ..http.api import backend_of, json_body
from .jobs import refusal
from .lines import answer_record

__all__ = ["routes"]


async def _ask(request: Request) -> Response:
    backend = backend_of(request)
    is_converse = request.url.path.endswith("/converse")
    fault = backend.answer_fault()
    row = BatchRow(  # what an answer is made from; no job of this ID exists
        id=backend.new_batch_id("realtime"),
        provider=request.state.vendor.name,
        account=request.state.account,
        created_at=backend.clock.now(),
        plan="{}",
        endpoint="Converse" if is_converse else "InvokeModel",
        model=request.path_params["model"],
    )
    asked = {"recordId": "", "modelInput": await json_body(request)}
    found = await run_in_threadpool(
        answer_record, row, asked, backend.source, fault, backend.faults.seed
    )
    if isinstance(found, Failure):
        raise refusal(found.status, "ValidationException", found.message)
    content = spoil_line(orjson.dumps(found[0]), fault.kind if fault else None)
    return Response(content, media_type="application/json")


def routes(base_path: str) -> list[Route]:
    """Return the routes below a base path, all of one operation."""
    path = base_path + "/model/{model:path}"
    return [
        Route(f"{path}/{form}", _ask, methods=["POST"], name="ask")
        for form in ("converse", "invoke")
    ]
