"""A small receiver of OpenAI's webhooks, which say that a batch has ended.

    OPENAI_WEBHOOK_SECRET=whsec_... python -m batchwright.flows.webhook --port 8000

It emits the Prefect event `batchwright.batch.ended`, and an automation starts a sweep
on that. If a delivery is lost, the next scheduled sweep finds the batch all the same.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import hashlib
import hmac
import os
import sys
import time
from binascii import Error as Base64Error
from collections import OrderedDict
from collections.abc import Mapping
from contextlib import suppress

import orjson
import uvicorn
from prefect.events import emit_event
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route
from uvicorn.protocols.http.h11_impl import H11Protocol

from ..errors import BatchwrightError, InputError

__all__ = ["is_signed", "main", "receiver"]

_EVENTS = {f"batch.{end}" for end in ("completed", "failed", "expired", "cancelled")}
_TOLERANCE_SECONDS = 300
_MAX_BYTES = 65_536
_MAX_CONNECTIONS = 100
_MAX_DIGITS = 12
_LONGEST_SECONDS = 10
"""How long a connection may last; a delivery takes milliseconds."""
_REMEMBERED = 10_000
"""IDs of deliveries that are remembered; OpenAI repeats one for up to 72 hours."""


def receiver(secret: str) -> Starlette:
    """Return an app that takes OpenAI's deliveries at `/`.

    Raises:
        InputError: The secret is not of the form `whsec_...`.
    """
    key = _key(secret)
    heard: OrderedDict[str, None] = OrderedDict()

    async def hear(request: Request) -> Response:
        body = b""
        try:
            async for chunk in request.stream():
                body += chunk
                if len(body) > _MAX_BYTES:
                    return Response(status_code=413)
        except ClientDisconnect:
            return Response(status_code=400)  # nobody reads it
        if not is_signed(body, request.headers, key):
            return Response("The signature does not fit.", 400)
        event = _read(body)
        delivery = request.headers["webhook-id"]
        if event is not None and delivery not in heard:
            kind, batch_id = event
            emit_event(
                event="batchwright.batch.ended",
                resource={
                    "prefect.resource.id": f"batchwright.batch.{batch_id}",
                    "prefect.resource.name": batch_id,
                },
                payload={"type": kind},
            )
            heard[delivery] = None
            if len(heard) > _REMEMBERED:
                heard.popitem(last=False)
        return Response(status_code=204)

    return Starlette(routes=[Route("/", hear, methods=["POST"])])


class _Brief(H11Protocol):
    """A connection that is closed after some seconds, whatever was sent by then.

    So senders that stop in the middle of a request use up nothing for long. OpenAI
    repeats a delivery that was not answered.
    """

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # uvicorn's own annotation
        super().connection_made(transport)
        if len(self.connections) > _MAX_CONNECTIONS:
            transport.abort()
        else:
            self.loop.call_later(_LONGEST_SECONDS, transport.abort)


def is_signed(body: bytes, headers: Mapping[str, str], key: bytes) -> bool:
    """Whether the sender knows the key, and signed this at most five minutes ago.

    As https://www.standardwebhooks.com specifies (read 2026-11-23). The SDK can check
    this too, but takes a second to import and needs an API key.
    """
    sent = headers.get("webhook-timestamp", "")
    if not (sent.isascii() and sent.isdecimal() and len(sent) <= _MAX_DIGITS):
        return False
    if abs(time.time() - int(sent)) > _TOLERANCE_SECONDS:
        return False
    signed = f"{headers.get('webhook-id', '')}.{sent}.".encode() + body
    expected = base64.b64encode(hmac.digest(key, signed, hashlib.sha256))
    return any(
        hmac.compare_digest(b"v1," + expected, given.encode())
        for given in headers.get("webhook-signature", "").split()
    )


def _key(secret: str) -> bytes:
    word, _, text = secret.strip().partition("_")
    key = b""
    with suppress(Base64Error):
        key = base64.b64decode(text, validate=True)
    if word != "whsec" or not key:
        raise InputError(
            "OPENAI_WEBHOOK_SECRET holds no webhook secret; OpenAI shows it, whsec_...,"
            " when the endpoint is made in the project's settings."
        )
    return key


def _read(body: bytes) -> tuple[str, str] | None:
    """Return an event about the end of a batch as its type and the batch's ID."""
    try:
        event = orjson.loads(body)
        kind, batch_id = event["type"], event["data"]["id"]
    except (orjson.JSONDecodeError, KeyError, TypeError):
        return None
    return (kind, batch_id) if kind in _EVENTS and isinstance(batch_id, str) else None


def main() -> None:
    """Serve until interrupted."""
    parser = argparse.ArgumentParser(prog="python -m batchwright.flows.webhook")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8000)
    options = parser.parse_args()
    try:
        app = receiver(os.environ.get("OPENAI_WEBHOOK_SECRET", ""))
    except BatchwrightError as exc:
        sys.exit(str(exc))
    uvicorn.run(app, host=options.host, port=options.port, http=_Brief)


if __name__ == "__main__":
    main()
