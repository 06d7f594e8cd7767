"""What stands before every route: keys, request IDs, the log of calls, faults."""

from __future__ import annotations

import re
import secrets
from collections.abc import MutableMapping
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ..engine.backend import Backend, Call
from .call_faults import make_trouble
from .envelopes import (
    ApiError,
    error_body,
    json_response,
    no_room,
    provider_of,
    read_key,
    real_key_sentence,
)

__all__ = ["Gate"]

_SECRETS = {"authorization", "x-api-key", "api-key", "cookie", "proxy-authorization"}
_OPERATIONS = [
    (method, re.compile(pattern), operation)
    for method, pattern, operation in (
        ("POST", r"/openai/v1/(files|uploads)(/.*)?", "upload"),
        ("GET", r"/openai/v1/files/[^/]+/content", "download"),
        ("GET", r"/openai/v1/files(/[^/]+)?", "file"),
        ("DELETE", r".*", "delete"),
        ("POST", r"/openai/v1/batches|.*/messages/batches", "create"),
        ("GET", r"/openai/v1/batches|.*/messages/batches", "list"),
        ("POST", r".*/cancel", "cancel"),
        ("GET", r".*/results", "download"),
        ("GET", r".*/batches/[^/]+", "retrieve"),
    )
]


class Gate:
    """Wraps the routes of both APIs; the control routes pass untouched."""

    def __init__(self, app: ASGIApp, backend: Backend) -> None:
        self.app = app
        self.backend = backend

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http" or scope["path"].startswith("/_sandbox"):
            await self.app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        provider = provider_of(scope["path"], headers)
        request_id = f"req_sandbox_{secrets.token_hex(10)}"
        operation = _operation(scope["method"], scope["path"])
        key = read_key(headers)
        account = self.backend.account_of(key) if key else None
        scope.setdefault("state", {}).update(request_id=request_id, account=account)
        extra = _headers(provider, request_id, account, headers)

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(extra)
            await send(message)

        refusal = _refusal(provider, key, headers)
        worker = self.backend.worker
        stuck = refusal is None and worker.is_stuck
        if stuck and not await run_in_threadpool(worker.unstick):
            refusal = no_room(self.backend.store.folder)
        fault = None
        if refusal is None:
            fault = self.backend.pick_call(provider, operation)
        self.backend.calls.append(
            Call(
                provider=provider,
                operation=operation,
                method=scope["method"],
                path=scope["path"],
                query=scope["query_string"].decode("latin-1"),
                account=account,
                headers={k: v for k, v in headers.items() if k not in _SECRETS},
                fault=fault.do if fault else None,
            )
        )
        if refusal is not None:
            body = error_body(provider, refusal, request_id)
            await json_response(body, refusal.status)(scope, receive, send_with_headers)
        elif fault is not None:
            await make_trouble(
                fault, provider, self.app, scope, receive, send_with_headers
            )
        else:
            await self.app(scope, receive, send_with_headers)


def _operation(method: str, path: str) -> str:
    for known, pattern, operation in _OPERATIONS:
        if method == known and pattern.fullmatch(path.rstrip("/")):
            return operation
    return "other"


def _refusal(provider: str, key: str | None, headers: Headers) -> ApiError | None:
    if key is None:
        if provider == "openai":
            return ApiError(
                401,
                "You didn't provide an API key. You need to provide your API key in an"
                " Authorization header using Bearer auth.",
            )
        return ApiError(401, "x-api-key header is required")
    if sentence := real_key_sentence(key):
        return ApiError(
            401, sentence, code="invalid_api_key" if provider == "openai" else None
        )
    if provider == "anthropic" and "anthropic-version" not in headers:
        return ApiError(400, "anthropic-version: header is required")
    return None


def _headers(
    provider: str, request_id: str, account: str | None, headers: Headers
) -> MutableMapping[str, Any]:
    """Return what both APIs tell about a call beside its answer."""
    if provider == "anthropic":
        found = {"request-id": request_id}
        if account:
            found["anthropic-organization-id"] = f"org-sandbox-{account}"
        return found
    found = {"x-request-id": request_id, "openai-version": "2020-10-01"}
    if account:
        found["openai-organization"] = headers.get(
            "openai-organization", f"org-sandbox-{account}"
        )
        found["openai-project"] = headers.get(
            "openai-project", f"proj_sandbox_{account}"
        )
    return found
