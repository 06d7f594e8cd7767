"""What the routes of all vendors share: reading requests, responses, errors."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import orjson
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import Response

from ..engine.backend import Backend
from ..faults import BatchFault

__all__ = [
    "ApiError",
    "apply_batch_fault",
    "backend_of",
    "disk_full",
    "json_body",
    "json_response",
    "limit_of",
    "read_key",
    "real_key_problem",
]

_SIGNED = re.compile(r"AWS4-HMAC-SHA256 Credential=([^/]+)/")
_REAL_PREFIXES = (
    *("sk-proj-", "sk-svcacct-", "sk-admin-", "sk-ant-api", "sk-ant-admin", "sk-or-"),
    *("AIza", "AKIA", "ASIA"),
)
_KEY_HEADERS = ("x-api-key", "api-key", "x-goog-api-key")


class ApiError(Exception):
    """A response other than 200."""

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


def disk_full(folder: Path) -> ApiError:
    """Return the error of a sandbox whose disk is full."""
    return ApiError(
        507,
        f"No space is left on the disk of the sandbox; free some for {folder}, then"
        " repeat the command.",
        code="insufficient_storage",
    )


def backend_of(request: Request) -> Backend:
    """Return the state of the sandbox that serves the request."""
    backend: Backend = request.app.state.backend
    return backend


def json_response(content: Any, status: int = 200) -> Response:
    """Return a JSON response."""
    return Response(orjson.dumps(content), status, media_type="application/json")


def read_key(headers: Headers) -> str | None:
    """Return the key of a request, from any header that an SDK uses."""
    scheme, _, key = headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer" and key.strip():
        return key.strip()
    if signed := _SIGNED.match(headers.get("authorization", "")):
        return signed[1]
    return next(filter(None, map(headers.get, _KEY_HEADERS)), None)


def real_key_problem(key: str) -> str | None:
    """Return why a key that looks real is refused; None: it does not look real."""
    if not key.startswith(_REAL_PREFIXES):
        return None
    return (
        "This is the batchwright sandbox, and the key looks like a real one: the"
        " sandbox neither needs nor keeps it. Use any other word as the key, for"
        " example `sandbox`."
    )


def limit_of(request: Request, maximum: int, default: int) -> int:
    """Return the `limit` of a list call."""
    given = request.query_params.get("limit", str(default))
    if not given.isdecimal() or not 1 <= int(given) <= maximum:
        raise ApiError(
            400,
            f"Invalid 'limit': expected a value between 1 and {maximum}, but got"
            f" {given!r} instead.",
            param="limit",
        )
    return int(given)


async def json_body(request: Request) -> dict[str, Any]:
    """Return the JSON object in the body of a request."""
    try:
        body = orjson.loads(await request.body())
    except orjson.JSONDecodeError as exc:
        text = "We could not parse the JSON body of your request."
        raise ApiError(400, text) from exc
    if not isinstance(body, dict):
        raise ApiError(400, "The JSON body of your request is not an object.")
    return body


def apply_batch_fault(batch: dict[str, Any], fault: BatchFault) -> None:
    """Apply a fault to the members that the batches of all vendors have."""
    counts = batch["request_counts"]
    if fault.counts == "missing":
        del batch["request_counts"]
    elif fault.counts == "null":
        batch["request_counts"] = None
    elif fault.counts is not None:
        value = None if fault.counts == "null_members" else 0
        batch["request_counts"] = dict.fromkeys(counts, value)
    if fault.expires_at:
        batch["expires_at"] = None
