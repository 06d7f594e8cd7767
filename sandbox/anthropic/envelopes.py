"""The forms of Anthropic's responses: errors and headers."""

from __future__ import annotations

from typing import Any

from starlette.datastructures import Headers

from ..http.api import ApiError

__all__ = ["error_body", "error_type", "response_headers"]

_TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    409: "conflict_error",
    413: "request_too_large",
    429: "rate_limit_error",
    504: "timeout_error",
    529: "overloaded_error",
}


def error_type(status: int) -> str:
    """Return the `type` of an error with this HTTP status."""
    default = "api_error" if status >= 500 else "invalid_request_error"  # noqa: PLR2004
    return _TYPES.get(status, default)


def error_body(error: ApiError, request_id: str) -> dict[str, Any]:
    """Return the body of an error response."""
    inner: dict[str, Any] = {
        "type": error.code or error_type(error.status),
        "message": error.message,
    }
    if error.details is not None:
        inner["details"] = error.details
    return {"type": "error", "error": inner, "request_id": request_id}


def response_headers(
    request_id: str, account: str | None, _: Headers
) -> dict[str, str]:
    """Return the headers of every response; they name the account."""
    found = {"request-id": request_id}
    if account:
        found["anthropic-organization-id"] = f"org-sandbox-{account}"
    return found
