"""The forms of OpenAI's responses: errors, headers, list pages, expiry."""

from __future__ import annotations

from typing import Any

from starlette.datastructures import Headers

from ..answers.answer import Failure
from ..http.api import ApiError

__all__ = ["error_body", "expiry_of", "list_page", "response_headers"]

_EXPIRY_SECONDS = range(3600, 2_592_001)


def error_body(error: ApiError | Failure, _: str = "") -> dict[str, Any]:
    """Return the body of an error response, of a call or of a single request."""
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


def response_headers(
    request_id: str, account: str | None, headers: Headers
) -> dict[str, str]:
    """Return the headers of every response; they name the account."""
    found = {"x-request-id": request_id, "openai-version": "2020-10-01"}
    if account:
        for name, own in (
            ("openai-organization", f"org-sandbox-{account}"),
            ("openai-project", f"proj_sandbox_{account}"),
        ):
            found[name] = headers.get(name, own)
    return found


def list_page(items: list[dict[str, Any]], limit: int) -> dict[str, Any]:
    """Return one page of a list; items beyond the limit say that there are more."""
    page = items[:limit]
    return {
        "object": "list",
        "data": page,
        "first_id": page[0]["id"] if page else None,
        "last_id": page[-1]["id"] if page else None,
        "has_more": len(items) > limit,
    }


def expiry_of(after: Any, param: str) -> int | None:
    """Return the seconds of an `expires_after`."""
    if after is None:
        return None
    if not isinstance(after, dict) or after.get("anchor") != "created_at":
        text = "Invalid value for 'anchor'. Supported values are: 'created_at'."
        raise ApiError(400, text, code="invalid_value", param=f"{param}.anchor")
    seconds = str(after.get("seconds"))
    if not seconds.isdecimal() or int(seconds) not in _EXPIRY_SECONDS:
        text = "Invalid value for 'seconds': it must be between 3600 and 2592000."
        raise ApiError(400, text, code="invalid_value", param=f"{param}.seconds")
    return int(seconds)
