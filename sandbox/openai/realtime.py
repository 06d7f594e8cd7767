"""The routes of OpenAI's endpoints themselves: one request, answered at once."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ..http.api import ApiError, backend_of, json_body
from ..http.realtime import answer_now
from .dialects import Dialect, dialect_of
from .lines import answer_body
from .shapes import ENDPOINTS

__all__ = ["routes"]


async def _ask(request: Request) -> Response:
    backend, dialect = backend_of(request), dialect_of(request)
    body = await json_body(request)
    endpoint = "/v1" + request.url.path.removeprefix(dialect.base_path)
    _check(endpoint, body, backend.faults.models)
    asked = {"custom_id": "", "body": body}
    return await answer_now(request, answer_body, asked, endpoint=endpoint)


def _check(endpoint: str, body: dict[str, Any], models: tuple[str, ...]) -> None:
    """Refuse what no model is asked for."""
    for name in ("model", ENDPOINTS[endpoint].content):
        if body.get(name) in (None, ""):
            text = f"Missing required parameter: '{name}'."
            code = "missing_required_parameter"
            raise ApiError(400, text, code=code, param=name)
    model = str(body["model"])
    if model.startswith("claude") or (models and model not in models):
        text = f"The model `{model}` does not exist or you do not have access to it."
        raise ApiError(404, text, code="model_not_found", param="model")
    if body.get("stream"):
        text = "The sandbox does not stream."
        raise ApiError(400, text, code="unsupported_value", param="stream")


def routes(dialect: Dialect) -> list[Route]:
    """Return the routes of a service, all of one operation."""
    paths = [each.removeprefix("/v1") for each in dialect.endpoints or ENDPOINTS]
    return [
        Route(dialect.base_path + path, _ask, methods=["POST"], name="ask")
        for path in paths
    ]
