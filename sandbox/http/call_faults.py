"""Lets a fault happen to one HTTP call."""

from __future__ import annotations

import asyncio
import json
from collections.abc import MutableMapping
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ..faults import CallFault
from .envelopes import ApiError, error_body, json_response
from .protocol import TRANSPORTS

__all__ = ["make_trouble"]


_AFTER = {"bad_json", "html", "cut", "cut_unframed", "slow", "stall"}
_LISTS = {"no_has_more", "empty_page", "repeat_page"}
_SLICES = 20
_PAGE = b"<html><body><h1>502 Bad Gateway</h1></body></html>"


class _Answer:
    """Takes an answer in instead of sending it."""

    def __init__(self) -> None:
        self.start: MutableMapping[str, Any] = {}
        self.body = bytearray()

    async def take(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.start = message
        elif message["type"] == "http.response.body":
            self.body += message.get("body", b"")


async def make_trouble(
    fault: CallFault,
    provider: str,
    app: ASGIApp,
    scope: Scope,
    receive: Receive,
    send: Send,
) -> None:
    """Answer one call as `fault` has it, after or instead of its work."""
    answer = _Answer()
    after = fault.after
    if after is None:
        after = fault.do in _AFTER | _LISTS
    if after:
        await app(scope, receive, answer.take)
    else:
        await _drain(receive)
    if fault.do == "stall":
        await asyncio.sleep(fault.seconds)
    if fault.do == "drop":
        await _hang_up(scope, receive, abort=True)
    elif fault.do == "status":
        await _send_status(fault, provider, scope, receive, send)
    elif fault.do in {"bad_json", "html"}:
        half = bytes(answer.body[: len(answer.body) // 2]) or b'{"id": "batc'
        body = _PAGE if fault.do == "html" else half
        kind = b"text/html" if fault.do == "html" else b"application/json"
        await _send(send, 200, kind, body)
    elif not answer.start:
        await _hang_up(scope, receive, abort=True)
    elif fault.do in {"cut", "cut_unframed"}:
        await _send_part(fault, answer, scope, send)
        await _hang_up(scope, receive, abort=False)
    elif fault.do in _LISTS:
        await _send(send, 200, b"application/json", _relisted(fault.do, answer.body))
    else:
        await _send_slowly(fault, answer, send)


async def _drain(receive: Receive) -> None:
    """Read the request to its end, so that the client is ready for an answer."""
    while (await receive()).get("more_body"):
        pass


async def _hang_up(scope: Scope, receive: Receive, *, abort: bool) -> None:
    """Close the connection, at once or after what was written, and see it closed."""
    transport = _transport(scope)
    if abort:
        transport.abort()
    else:
        transport.close()
    while (await receive())["type"] != "http.disconnect":
        pass


def _transport(scope: Scope) -> asyncio.Transport:
    return TRANSPORTS[tuple(scope["client"]), tuple(scope["server"])]


async def _send(send: Send, status: int, kind: bytes, body: bytes) -> None:
    length = str(len(body)).encode()
    headers = [(b"content-type", kind), (b"content-length", length)]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def _send_status(
    fault: CallFault, provider: str, scope: Scope, receive: Receive, send: Send
) -> None:
    text = fault.message or f"The sandbox was told to answer {fault.status}."
    error = ApiError(fault.status, text, code=fault.code, details=fault.details)
    body = error_body(provider, error, scope["state"]["request_id"])
    response = json_response(body, fault.status)
    response.headers.update(fault.headers)
    if fault.retry_after_seconds is not None:
        response.headers["retry-after"] = f"{fault.retry_after_seconds:g}"
    if fault.retry_after_ms is not None:
        response.headers["retry-after-ms"] = str(fault.retry_after_ms)
    if fault.retry_after_date_seconds is not None:
        then = datetime.now(UTC) + timedelta(seconds=fault.retry_after_date_seconds)
        response.headers["retry-after"] = format_datetime(then, usegmt=True)
    if fault.should_retry is not None:
        response.headers["x-should-retry"] = str(fault.should_retry).lower()
    await response(scope, receive, send)


async def _send_part(
    fault: CallFault, answer: _Answer, scope: Scope, send: Send
) -> None:
    """Stop in the middle: with the true length announced, or with none at all."""
    part = bytes(answer.body[: int(len(answer.body) * fault.keep)])
    if fault.do == "cut_unframed":
        _transport(scope).write(
            b"HTTP/1.1 200 OK\r\ncontent-type: application/octet-stream\r\n"
            b"connection: close\r\n\r\n" + part
        )
    else:
        await send(dict(answer.start))
        await send({"type": "http.response.body", "body": part, "more_body": True})


async def _send_slowly(fault: CallFault, answer: _Answer, send: Send) -> None:
    await send(dict(answer.start))
    if fault.do == "stall":
        await send({"type": "http.response.body", "body": bytes(answer.body)})
        return
    size = len(answer.body) // _SLICES + 1
    for start in range(0, len(answer.body), size):
        await asyncio.sleep(fault.seconds / _SLICES)
        part = bytes(answer.body[start : start + size])
        await send({"type": "http.response.body", "body": part, "more_body": True})
    await send({"type": "http.response.body", "body": b""})


def _relisted(do: str, body: bytearray) -> bytes:
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
