"""The routes of OpenRouter's endpoints: one request, answered at once."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ..http.api import ApiError, backend_of, json_body
from ..http.realtime import answer_now
from ..openai.lines import answer_body

__all__ = ["routes"]

_PATHS = ("/chat/completions", "/responses", "/embeddings")


async def _ask(request: Request) -> Response:
    body, models = await json_body(request), backend_of(request).faults.models
    if models and body.get("model") not in models:
        raise ApiError(404, f"No endpoints found for {body.get('model')}.")
    endpoint = "/v1" + request.url.path.partition("/api/v1")[2]
    asked = {"custom_id": "", "body": body}
    return await answer_now(request, answer_body, asked, endpoint=endpoint)


def routes(base_path: str) -> list[Route]:
    """Return the routes below a base path, all of one operation."""
    return [
        Route(base_path + path, _ask, methods=["POST"], name="ask") for path in _PATHS
    ]
