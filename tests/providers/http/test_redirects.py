"""Where a key goes when a provider's API answers with a redirect."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from batchwright.errors import AccessError, BatchwrightError
from batchwright.models import Account, Batch, BatchStatus, Intent
from batchwright.providers import Provider, get_provider
from batchwright.providers.base import Provider as Client

KEY = "the-key-of-the-user"


class Host(ThreadingHTTPServer):
    """A host that redirects each call, or answers it with an empty list."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.url = f"http://127.0.0.1:{self.server_port}"
        self.status = 307
        self.target: str | None = None
        self.seen: list[tuple[str, str]] = []
        """Method and headers of each call."""


class _Handler(BaseHTTPRequestHandler):
    server: Host

    def log_message(self, *_: object) -> None:
        pass

    def do_GET(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.server.seen.append((self.command, str(self.headers)))
        self.send_response(self.server.status if self.server.target else 200)
        if self.server.target:
            self.send_header("Location", self.server.target + self.path)
        body = b'{"data":[],"has_more":false}'
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_POST = do_GET  # noqa: N815 - the name that the server calls


@pytest.fixture
def host() -> Iterator[Callable[[], Host]]:
    """Return what starts a host."""
    started: list[Host] = []

    def start() -> Host:
        started.append(Host())
        poll = {"poll_interval": 0.01}
        Thread(target=started[-1].serve_forever, kwargs=poll, daemon=True).start()
        return started[-1]

    yield start
    for each in started:
        each.shutdown()
        each.server_close()


def _batch(name: str) -> Batch:
    return Batch(
        id="batch_1",
        provider=name,
        status=BatchStatus.ENDED,
        provider_status="completed",
        output_file_id="file-1",
        results_url="http://127.0.0.1:9/results",
    )


CALLS: dict[str, Callable[[Client, Path], object]] = {
    "list": lambda client, _: list(client.list(1)),
    "retrieve": lambda client, _: client.retrieve("batch_1"),
    "download": lambda client, path: client.download(_batch(client.name), path),
}


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("name", ["openai", "anthropic"])
def test_another_host_sees_no_key(
    name: str, status: int, call: str, host: Callable[[], Host], tmp_path: Path
) -> None:
    """A redirect to another host is followed without the key and the account."""
    api, other = host(), host()
    api.target, api.status = other.url, status
    with suppress(BatchwrightError):
        CALLS[call](get_provider(name, api.url, KEY), tmp_path / "results")
    assert KEY in api.seen[0][1]
    assert other.seen
    for _, headers in other.seen:
        names = {line.partition(":")[0].lower() for line in headers.splitlines()}
        own = {name for name in names if not name.startswith("x-stainless-")}
        assert own <= {"accept", "accept-encoding", "connection", "host", ""}
        assert KEY not in headers


@pytest.mark.parametrize("status", [307, 308])
@pytest.mark.parametrize("name", ["openai", "anthropic"])
def test_another_host_gets_no_requests(
    name: str, status: int, host: Callable[[], Host], tmp_path: Path
) -> None:
    """A call that carries rows is not repeated at another host, and says so."""
    api, other = host(), host()
    api.target, api.status = other.url, status
    requests = tmp_path / "requests.jsonl"
    requests.write_text('{"custom_id":"1"}\n', encoding="utf-8")
    client: Provider = get_provider(name, api.url, KEY)
    intent = Intent(
        token="t",
        claimed_at=datetime.now(UTC),
        requests=1,
        bytes=18,
        digest="",
        endpoint="/v1/messages",
        account=Account(base_url=api.url),
        input_file_id="file-1",
    )
    with pytest.raises(AccessError, match=r"redirects the call to 127\.0\.0\.1"):
        client.create(requests, intent)
    if name == "openai":
        with pytest.raises(AccessError, match="Nothing was sent there"):
            client.upload(requests)
    assert other.seen == []


@pytest.mark.parametrize("name", ["openai", "anthropic"])
def test_the_same_host_gets_the_key(
    name: str, host: Callable[[], Host], tmp_path: Path
) -> None:
    """A redirect to another path of the same host is followed as any call."""
    api = host()
    api.target = f"{api.url}/moved"
    with suppress(BatchwrightError):  # it redirects without end
        list(get_provider(name, api.url, KEY).list(1))
    assert len(api.seen) > 1
    assert all(KEY in headers for _, headers in api.seen)
