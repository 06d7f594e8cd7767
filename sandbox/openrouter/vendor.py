"""OpenRouter's API as a row of the sandbox's table."""

from __future__ import annotations

from typing import Any

from starlette.datastructures import Headers

from ..engine.produce import Format, publish_in_batch
from ..http.api import ApiError
from ..http.vendor import Vendor
from . import batches, realtime
from .lines import answer_line, unrun_line

__all__ = ["VENDORS"]

_PATH = "/openrouter/api/v1"


def _error_body(error: ApiError, _: str) -> dict[str, Any]:
    return {"error": {"code": error.status, "message": error.message}}


def _response_headers(_: str, account: str | None, headers: Headers) -> dict[str, str]:
    del account, headers
    return {"server": "sandbox"}


VENDORS = (
    Vendor(
        name="openrouter",
        base_path=_PATH,
        base_url_variable="OPENROUTER_BASE_URL",
        sdk_path=None,
        key_variable="OPENROUTER_API_KEY",
        format=Format(answer_line, unrun_line, publish_in_batch),
        routes=[*batches.routes(_PATH), *realtime.routes(_PATH)],
        error_body=_error_body,
        response_headers=_response_headers,
        missing_key="No cookie auth credentials found",
    ),
)
