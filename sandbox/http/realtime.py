"""Answers one request at once, with the faults for it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import orjson
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from ..answers.answer import AnswerSource, Failure
from ..answers.spoil import spoil_line
from ..engine.store import BatchRow
from ..faults import AnswerFault
from .api import ApiError, backend_of

__all__ = ["AnswerRequest", "answer_now"]

AnswerRequest = Callable[
    [BatchRow, dict[str, Any], AnswerSource, AnswerFault | None, int],
    tuple[dict[str, Any], tuple[int, int]] | Failure,
]
"""Returns the body that answers a request of a batch, and its tokens."""


async def answer_now(
    request: Request,
    answer: AnswerRequest,
    asked: dict[str, Any],
    *,
    endpoint: str | None,
    model: str | None = None,
) -> Response:
    """Return the answer to a request, which is given as a line of a batch."""
    backend = backend_of(request)
    fault = backend.answer_fault()
    row = BatchRow(  # what an answer is made from; no batch of this ID exists
        id=backend.new_batch_id("realtime_"),
        provider=request.state.vendor.name,
        account=request.state.account,
        created_at=backend.clock.now(),
        plan="{}",
        endpoint=endpoint,
        model=model,
    )
    found = await run_in_threadpool(
        answer, row, asked, backend.source, fault, backend.faults.seed
    )
    if isinstance(found, Failure):
        raise ApiError(found.status, found.message, code=found.code, param=found.param)
    content = spoil_line(orjson.dumps(found[0]), fault.kind if fault else None)
    return Response(content, media_type="application/json")
