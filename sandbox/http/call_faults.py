"""Applies a fault to one HTTP call."""

from __future__ import annotations

import asyncio
import json
from collections.abc import MutableMapping
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ..faults import CallFault
from .api import ApiError, json_response
from .uvicorn_server import TRANSPORTS
from .vendor import Vendor

__all__ = ["apply_fault"]

_LISTS = {"no_has_more", "empty_page", "repeat_page"}
_RESULTS = ("output_file_id", "error_file_id", "results_url")
_PARTS = 20
_PAGE = b"<html><body><h1>502 Bad Gateway</h1></body></html>"


class _Response:
    """Collects a response instead of sending it."""

    def __init__(self) -> None:
        self.start: MutableMapping[str, Any] = {}
        self.body = bytearray()

    async def collect(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.start = message
        elif message["type"] == "http.response.body":
            self.body += message.get("body", b"")


async def apply_fault(
    fault: CallFault,
    vendor: Vendor,
    app: ASGIApp,
    scope: Scope,
    receive: Receive,
    send: Send,
) -> None:
    """Answer one call with the fault, after the call took effect or instead of it."""
    response = _Response()
    after = fault.after
    if after is None:
        after = fault.do not in {"status", "drop"}
    if after:
        await app(scope, receive, response.collect)
    else:
        await _read_all(receive)
    if fault.do == "stall":
        await asyncio.sleep(fault.seconds)
    if fault.do == "status":
        await _send_status(fault, vendor, scope, receive, send)
    elif fault.do in {"bad_json", "html"}:
        half = bytes(response.body[: len(response.body) // 2]) or b'{"id": "batc'
        body = _PAGE if fault.do == "html" else half
        kind = b"text/html" if fault.do == "html" else b"application/json"
        await _send(send, kind, body)
    elif fault.do == "drop" or not response.start:
        await _hang_up(scope, receive, abort=True)
    elif fault.do in {"cut", "cut_unframed"}:
        await _send_part(fault, response, scope, send)
        await _hang_up(scope, receive, abort=False)
    elif fault.do in _LISTS:
        await _send(send, b"application/json", _odd_page(fault.do, response.body))
    elif fault.do == "no_results":
        await _send(send, b"application/json", _without_results(response.body))
    else:
        await _send_slowly(fault, response, send)


async def _read_all(receive: Receive) -> None:
    """Read the request to its end, so that the client is ready for a response."""
    while (await receive()).get("more_body"):
        pass


async def _hang_up(scope: Scope, receive: Receive, *, abort: bool) -> None:
    """Close the connection, at once or after what was written, and wait for it."""
    transport = _transport(scope)
    if abort:
        transport.abort()
    else:
        transport.close()
    while (await receive())["type"] != "http.disconnect":
        pass


def _transport(scope: Scope) -> asyncio.Transport:
    return TRANSPORTS[tuple(scope["client"]), tuple(scope["server"])]


async def _send(send: Send, kind: bytes, body: bytes) -> None:
    length = str(len(body)).encode()
    headers = [(b"content-type", kind), (b"content-length", length)]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def _send_status(
    fault: CallFault, vendor: Vendor, scope: Scope, receive: Receive, send: Send
) -> None:
    text = fault.message or f"The sandbox was told to answer {fault.status}."
    error = ApiError(fault.status, text, code=fault.code, details=fault.details)
    body = vendor.error_body(error, scope["state"]["request_id"])
    response = json_response(body, fault.status)
    response.headers.update(fault.headers)
    if fault.retry_after_seconds is not None:
        response.headers["retry-after"] = f"{fault.retry_after_seconds:g}"
    if fault.retry_after_ms is not None:
        response.headers["retry-after-ms"] = str(fault.retry_after_ms)
    if fault.retry_after_date_seconds is not None:
        date = datetime.now(UTC) + timedelta(seconds=fault.retry_after_date_seconds)
        response.headers["retry-after"] = format_datetime(date, usegmt=True)
    if fault.should_retry is not None:
        response.headers["x-should-retry"] = str(fault.should_retry).lower()
    await response(scope, receive, send)


async def _send_part(
    fault: CallFault, response: _Response, scope: Scope, send: Send
) -> None:
    """Send a part of the body, with the full length announced or with none."""
    part = bytes(response.body[: int(len(response.body) * fault.keep)])
    if fault.do == "cut_unframed":
        _transport(scope).write(
            b"HTTP/1.1 200 OK\r\ncontent-type: application/octet-stream\r\n"
            b"connection: close\r\n\r\n" + part
        )
    else:
        await send(dict(response.start))
        await send({"type": "http.response.body", "body": part, "more_body": True})


async def _send_slowly(fault: CallFault, response: _Response, send: Send) -> None:
    await send(dict(response.start))
    parts = _PARTS if fault.do == "slow" else 1
    size = len(response.body) // parts + 1
    for start in range(0, len(response.body), size):
        await asyncio.sleep(fault.seconds / parts if fault.do == "slow" else 0)
        part = bytes(response.body[start : start + size])
        await send({"type": "http.response.body", "body": part, "more_body": True})
    await send({"type": "http.response.body", "body": b""})


def _without_results(body: bytearray) -> bytes:
    """Return a batch, or a page of them, without the names of result files."""
    answer = json.loads(body)
    for batch in answer.get("data", [answer]):
        batch |= {name: None for name in _RESULTS if name in batch}
    return json.dumps(answer).encode()


def _odd_page(do: str, body: bytearray) -> bytes:
    page = json.loads(body)
    if "data" not in page:
        return bytes(body)
    if do == "no_has_more":
        page.pop("has_more", None)
    elif do == "empty_page":
        page |= {"data": [], "has_more": True, "first_id": None, "last_id": None}
    else:
        page["data"] = page["data"] * 2
    return json.dumps(page).encode()
