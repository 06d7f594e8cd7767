"""The routes of Gemini's models: one request, answered at once."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ..http.api import ApiError, backend_of, json_body
from ..http.realtime import answer_now
from .batches import EMBEDDINGS
from .lines import answer_response

__all__ = ["routes"]


async def _ask(request: Request) -> Response:
    models, model = backend_of(request).faults.models, request.path_params["model"]
    if models and model not in models:
        raise ApiError(404, f"models/{model} is not found for API version v1.")
    is_embedding = request.url.path.endswith(":embedContent")
    return await answer_now(
        request,
        answer_response,
        {"key": "", "request": await json_body(request)},
        endpoint=EMBEDDINGS if is_embedding else None,
        model=model,
    )


def routes(base_path: str) -> list[Route]:
    """Return the routes below a base path, all of one operation."""
    model = f"{base_path}/v1/models/{{model}}"
    return [
        Route(f"{model}:{method}", _ask, methods=["POST"], name="ask")
        for method in ("generateContent", "embedContent")
    ]
