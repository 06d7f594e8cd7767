"""What both APIs share: keys, request IDs, error envelopes."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import orjson
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import Response

__all__ = [
    "ApiError",
    "error_body",
    "json_body",
    "json_response",
    "new_id",
    "no_room",
    "page_of",
    "provider_of",
    "read_key",
    "real_key_sentence",
]

_REAL_PREFIXES = ("sk-proj-", "sk-svcacct-", "sk-admin-", "sk-ant-api", "sk-ant-admin")
_ANTHROPIC_TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    409: "conflict_error",
    413: "request_too_large",
    429: "rate_limit_error",
    500: "api_error",
    504: "timeout_error",
    529: "overloaded_error",
}


class ApiError(Exception):
    """An answer other than 200."""

    def __init__(
        self,
        status: int,
        message: str,
        *,
        code: str | None = None,
        param: str | None = None,
        details: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.code = code
        self.param = param
        self.details = details
        self.headers = headers or {}


def no_room(folder: Path) -> ApiError:
    """Return the answer of a sandbox whose disk is full."""
    return ApiError(
        507,
        f"No room is left on the disk of the sandbox; make room for {folder}, then"
        " repeat the command.",
        code="insufficient_storage",
    )


def new_id(prefix: str) -> str:
    """Return a new ID that says where it comes from."""
    return f"{prefix}sandbox_{secrets.token_hex(12)}"


def json_response(content: Any, status: int = 200) -> Response:
    """Return JSON as both APIs send it."""
    body = orjson.dumps(content)
    return Response(body, status, media_type="application/json")


def provider_of(path: str, headers: Headers) -> str:
    """Return whose API a path belongs to."""
    if path.startswith("/openai/"):
        return "openai"
    if path.startswith("/anthropic/") or "anthropic-version" in headers:
        return "anthropic"
    return "openai"


def error_body(provider: str, error: ApiError, request_id: str) -> dict[str, Any]:
    """Return the provider's envelope around an error."""
    if provider == "anthropic":
        inner: dict[str, Any] = {
            "type": error.code
            or _ANTHROPIC_TYPES.get(
                error.status,
                "api_error" if error.status >= 500 else "invalid_request_error",  # noqa: PLR2004
            ),
            "message": error.message,
        }
        if error.details is not None:
            inner["details"] = error.details
        return {"type": "error", "error": inner, "request_id": request_id}
    kind = "server_error" if error.status >= 500 else "invalid_request_error"  # noqa: PLR2004
    if error.status == 429:  # noqa: PLR2004
        kind = "rate_limit_error"
    return {
        "error": {
            "message": error.message,
            "type": kind,
            "param": error.param,
            "code": error.code,
        }
    }


def read_key(headers: Headers) -> str | None:
    """Return the key of a request, from any header that the SDKs have used."""
    scheme, _, key = headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer" and key.strip():
        return key.strip()
    return headers.get("x-api-key") or headers.get("api-key") or None


def real_key_sentence(key: str) -> str | None:
    """Return why a key is refused that a real provider gave out, or None."""
    if not key.startswith(_REAL_PREFIXES):
        return None
    return (
        "This is the batchwright sandbox, and the key looks like a real one: the"
        " sandbox neither needs nor keeps it. Use any other word as the key, for"
        " example `sandbox`."
    )


def page_of(request: Request, most: int, default: int) -> int:
    """Return the `limit` of a list call, checked."""
    given = request.query_params.get("limit", str(default))
    if not given.isdecimal() or not 1 <= int(given) <= most:
        raise ApiError(
            400,
            f"Invalid 'limit': expected a value between 1 and {most}, but got"
            f" {given!r} instead.",
            param="limit",
        )
    return int(given)


async def json_body(request: Request) -> dict[str, Any]:
    """Return the JSON object that a request carries."""
    try:
        body = orjson.loads(await request.body())
    except orjson.JSONDecodeError as exc:
        raise ApiError(
            400, "We could not parse the JSON body of your request."
        ) from exc
    if not isinstance(body, dict):
        raise ApiError(400, "The JSON body of your request is not an object.")
    return body
