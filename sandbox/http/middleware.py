"""What happens to a call before its route: key, request ID, log of calls, faults."""

from __future__ import annotations

import secrets
from collections.abc import Mapping

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers, MutableHeaders
from starlette.routing import Match
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ..engine.backend import Backend, Call
from .api import ApiError, disk_full, json_response, read_key, real_key_problem
from .call_faults import apply_fault
from .vendor import Vendor

__all__ = ["Middleware"]

_SECRETS = {"authorization", "x-api-key", "api-key", "x-goog-api-key"}
_SECRETS |= {"cookie", "proxy-authorization"}


class Middleware:
    """Wraps the routes of all vendors; control routes are passed through."""

    def __init__(
        self, app: ASGIApp, backend: Backend, vendors: Mapping[str, Vendor]
    ) -> None:
        self._app = app
        self._backend = backend
        self._vendors = list(vendors.values())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http" or scope["path"].startswith("/_sandbox"):
            await self._app(scope, receive, send)
            return
        backend, vendor = self._backend, self._vendor(scope["path"])
        headers = Headers(scope=scope)
        request_id = f"req_sandbox_{secrets.token_hex(10)}"
        operation = _operation(vendor, scope)
        key = read_key(headers)
        account = backend.account_of(key) if key else None
        scope.setdefault("state", {}).update(
            vendor=vendor, request_id=request_id, account=account
        )
        extra = vendor.response_headers(request_id, account, headers)

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(extra)
            await send(message)

        refusal = None
        if operation != vendor.keyless:
            refusal = _refusal(vendor, key, headers)
        if (
            refusal is None
            and backend.worker.is_stuck
            and not await run_in_threadpool(backend.worker.retry_stuck)
        ):
            refusal = disk_full(backend.store.folder)
        fault = None
        if refusal is None:
            fault = backend.call_fault(vendor.name, operation)
        backend.calls.append(
            Call(
                provider=vendor.name,
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
            body = vendor.error_body(refusal, request_id)
            await json_response(body, refusal.status)(scope, receive, send_with_headers)
        elif fault is not None:
            await apply_fault(
                fault, vendor, self._app, scope, receive, send_with_headers
            )
        else:
            await self._app(scope, receive, send_with_headers)

    def _vendor(self, path: str) -> Vendor:
        """Return the vendor whose API has the path; for any other path the first."""
        found = (v for v in self._vendors if path.startswith(v.base_path + "/"))
        return next(found, self._vendors[0])


def _operation(vendor: Vendor, scope: Scope) -> str:
    for route in vendor.routes:
        if route.matches(scope)[0] is Match.FULL:
            return route.name
    return "other"


def _refusal(vendor: Vendor, key: str | None, headers: Headers) -> ApiError | None:
    if key is None:
        return ApiError(401, vendor.missing_key)
    if problem := real_key_problem(key):
        return ApiError(401, problem, code=vendor.invalid_key_code)
    if vendor.required_header and vendor.required_header not in headers:
        return ApiError(400, f"{vendor.required_header}: header is required")
    return None
