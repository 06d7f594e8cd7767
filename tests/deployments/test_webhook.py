"""Tests of the webhook receiver: real requests, a real server, a real automation."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from typing import Any

import httpx2
import pytest
from openai import OpenAI
from prefect import get_client
from prefect.client.schemas.filters import FlowRunFilter
from prefect.client.schemas.objects import FlowRun
from prefect.events.filters import EventFilter, EventNameFilter

from batchwright.errors import InputError
from batchwright.flows.webhook import receiver

pytestmark = pytest.mark.prefect

KEY = secrets.token_bytes(24)
SECRET = f"whsec_{base64.b64encode(KEY).decode()}"


@pytest.fixture(scope="module")
def url(platform: Any) -> Iterator[str]:
    """Start the receiver with its documented command; gives its address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    address = f"http://127.0.0.1:{port}/"

    def is_up() -> bool:
        with suppress(httpx2.TransportError):
            return httpx2.get(address).status_code == 405
        return False

    platform.type(
        f"OPENAI_WEBHOOK_SECRET={SECRET}"
        f" python -m batchwright.flows.webhook --port {port} &"
    )
    platform.eventually("the receiver is up", is_up)
    yield address
    platform.kill("webhook")


def delivery(
    number: int, kind: str = "batch.completed", **changes: str
) -> dict[str, Any]:
    """Return a signed delivery; `changes` are made after it was signed."""
    body = json.dumps(
        {
            "id": f"evt_{number}",
            "object": "event",
            "created_at": 1_790_000_000,
            "type": kind,
            "data": {"id": f"batch_{number}"},
        }
    )
    sent = changes.pop("sent", str(int(time.time())))
    signed = f"wh_{number}.{sent}.{body}".encode()
    signature = base64.b64encode(hmac.digest(KEY, signed, hashlib.sha256)).decode()
    headers = {
        "webhook-id": f"wh_{number}",
        "webhook-timestamp": sent,
        "webhook-signature": f"v1,AAAA v1,{signature}",
    }
    content = changes.pop("body", body)
    return {"content": content, "headers": headers | changes}


def heard() -> list[str]:
    """Return the batches of all our events that the server has, oldest first."""
    ours = EventFilter(event=EventNameFilter(name=["batchwright.batch.ended"]))
    with get_client(sync_client=True) as client:
        answer = client.request(
            "POST",
            "/events/filter",
            json={"filter": ours.model_dump(mode="json"), "limit": 50},
        )
    return sorted(
        event["resource"]["prefect.resource.name"] for event in answer.json()["events"]
    )


def sweeps() -> list[FlowRun]:
    """Return all flow runs that the automation or anybody made of the sweep."""
    swept = FlowRunFilter(name={"like_": "advance-runs"})
    with get_client(sync_client=True) as client:
        return client.read_flow_runs(flow_run_filter=swept)


@pytest.mark.parametrize("secret", ["", "whsec_", "whsec_%", "c2VjcmV0"])
def test_a_secret_has_to_be_one(secret: str) -> None:
    """Without OpenAI's secret the receiver does not start, and says where it is."""
    with pytest.raises(InputError, match="OPENAI_WEBHOOK_SECRET holds no"):
        receiver(secret)


def test_a_signed_delivery_becomes_a_sweep(platform: Any, url: str) -> None:
    """What OpenAI signed is an event once, and a sweep; anything else is nothing."""
    old = str(int(time.time()) - 301)
    for wrong in (
        delivery(1, **{"webhook-signature": "v1,AAAA"}),
        delivery(1, **{"webhook-id": "wh_2"}),
        delivery(1, body="{}"),
        delivery(1, sent=old),
        delivery(1, sent="soon"),
        delivery(1, sent="9" * 309),
        {"content": "{}", "headers": {}},
    ):
        assert httpx2.post(url, **wrong).status_code == 400
    unrelated = delivery(2, "response.completed")
    assert httpx2.post(url, **unrelated).status_code == 204
    assert httpx2.post(url, content="x" * 70_000).status_code == 413

    before = len(sweeps())
    good = delivery(3)
    OpenAI(api_key="none").webhooks.verify_signature(
        good["content"], good["headers"], secret=SECRET
    )
    for request in (good, good, delivery(4, "batch.expired"), good):
        assert httpx2.post(url, **request).status_code == 204
    platform.eventually("both events", lambda: heard() == ["batch_3", "batch_4"])
    platform.eventually("a sweep", lambda: len(sweeps()) > before)


@pytest.mark.long
def test_half_a_request_is_dropped_soon(url: str) -> None:
    """Hundreds of them at once, in the headers or in the body, keep nothing busy."""
    address = httpx2.URL(url)
    halves = [b"POST / HTTP/1.1\r\nhost: x\r\n", b"content-length: 9\r\n\r\n{"]
    connections = []
    with ExitStack() as stack:
        for number in range(300):
            connection = socket.create_connection((address.host, address.port), 30)
            connections.append(stack.enter_context(connection))
            with suppress(ConnectionError):  # beyond the limit it is closed at once
                connection.sendall(b"".join(halves[: 1 + number % 2]))
        for connection in connections:
            with suppress(ConnectionError):
                assert connection.recv(1) == b""
    assert httpx2.post(url, **delivery(9, "response.completed")).status_code == 204
