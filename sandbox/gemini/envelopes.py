"""The forms of Gemini's responses: errors, codes, times."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from starlette.datastructures import Headers

from ..answers.answer import Failure
from ..http.api import ApiError

__all__ = ["error_body", "response_headers", "rpc_status", "timestamp"]

_STATUSES = {
    400: ("INVALID_ARGUMENT", 3),
    401: ("UNAUTHENTICATED", 16),
    403: ("PERMISSION_DENIED", 7),
    404: ("NOT_FOUND", 5),
    409: ("ABORTED", 10),
    429: ("RESOURCE_EXHAUSTED", 8),
    499: ("CANCELLED", 1),
    500: ("INTERNAL", 13),
    503: ("UNAVAILABLE", 14),
    504: ("DEADLINE_EXCEEDED", 4),
}
"""The word and the number of gRPC for an HTTP status."""


def _word(status: int) -> tuple[str, int]:
    return _STATUSES.get(status, ("INTERNAL" if status >= 500 else "UNKNOWN", 2))  # noqa: PLR2004


def error_body(error: ApiError, _: str) -> dict[str, Any]:
    """Return the body of an error response."""
    word = error.code or _word(error.status)[0]
    return {"error": {"code": error.status, "message": error.message, "status": word}}


def rpc_status(failure: Failure) -> dict[str, Any]:
    """Return the status object in the line of a request that failed."""
    return {"code": _word(failure.status)[1], "message": failure.message}


def response_headers(_: str, account: str | None, headers: Headers) -> dict[str, str]:
    """Return the headers of every response, which name no account."""
    del account, headers
    return {"server": "sandbox"}


def timestamp(seconds: float) -> str:
    """Return a point in time as RFC 3339, with nanoseconds."""
    moment = datetime.fromtimestamp(seconds, UTC).isoformat(timespec="microseconds")
    return moment.replace("+00:00", "000Z")
