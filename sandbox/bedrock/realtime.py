"""The routes of Bedrock's models themselves: one request, answered at once."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ..http.api import ApiError, json_body
from ..http.realtime import answer_now
from .jobs import refusal
from .lines import answer_record

__all__ = ["routes"]


async def _ask(request: Request) -> Response:
    is_converse = request.url.path.endswith("/converse")
    endpoint = "Converse" if is_converse else "InvokeModel"
    asked = {"recordId": "", "modelInput": await json_body(request)}
    model = request.path_params["model"]
    try:
        return await answer_now(
            request, answer_record, asked, endpoint=endpoint, model=model
        )
    except ApiError as exc:
        raise refusal(exc.status, "ValidationException", exc.message) from exc


def routes(base_path: str) -> list[Route]:
    """Return the routes below a base path, all of one operation."""
    path = base_path + "/model/{model:path}"
    return [
        Route(f"{path}/{form}", _ask, methods=["POST"], name="ask")
        for form in ("converse", "invoke")
    ]
