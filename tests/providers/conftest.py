"""One sandbox for the tests of the clients; each test is an account of its own."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from batchwright.models import Batch, Intent
from batchwright.providers import Provider, get_provider
from batchwright.sandbox import Sandbox

_KEYS = count()
_ENDPOINTS = {"openai": "/v1/chat/completions", "anthropic": "/v1/messages"}


class Client:
    """A provider on the sandbox, and the few steps that tests repeat."""

    def __init__(self, name: str, sandbox: Sandbox, folder: Path) -> None:
        self.name = name
        self.sandbox = sandbox
        self.folder = folder
        urls = {
            "openai": sandbox.openai_base_url,
            "anthropic": sandbox.anthropic_base_url,
        }
        self.base_url = urls[name]
        self.provider: Provider = get_provider(
            name, self.base_url, f"account-{next(_KEYS)}"
        )

    def write(self, requests: int = 3) -> Path:
        """Write a request file."""
        path = self.folder / f"requests-{requests}.jsonl"
        lines = (json.dumps(self._line(row)) + "\n" for row in range(requests))
        path.write_text("".join(lines), encoding="utf-8")
        return path

    def _line(self, row: int) -> dict[str, Any]:
        messages = [{"role": "user", "content": f"Say {row}."}]
        custom_id = f"row-{row:09}"
        if self.name == "anthropic":
            params = {"model": "claude-x", "max_tokens": 9, "messages": messages}
            return {"custom_id": custom_id, "params": params}
        return {
            "custom_id": custom_id,
            "method": "POST",
            "url": _ENDPOINTS["openai"],
            "body": {"model": "gpt-x", "messages": messages},
        }

    def intent(self, path: Path, **facts: Any) -> Intent:
        """Look at the account, upload the file, claim."""
        return Intent(
            token=facts.pop("token", "token-0"),
            claimed_at=datetime.now(UTC),
            requests=path.read_bytes().count(b"\n"),
            bytes=path.stat().st_size,
            digest="",
            endpoint=_ENDPOINTS[self.name],
            account=self.provider.account(),
            input_file_id=self.provider.upload(path),
            **facts,
        )

    def create(self, requests: int = 3) -> Batch:
        """Create a batch."""
        path = self.write(requests)
        return self.provider.create(path, self.intent(path))

    def ended(self, requests: int = 3) -> Batch:
        """Create a batch and let it end."""
        batch = self.create(requests)
        self.sandbox.settle()
        return self.provider.retrieve(batch.id)

    def operations(self) -> list[str]:
        """Return what was called so far, by all tests."""
        return [call.operation for call in self.sandbox.calls()]


@pytest.fixture(scope="session")
def _shared_sandbox() -> Iterator[Sandbox]:
    with Sandbox() as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(_shared_sandbox: Sandbox) -> Iterator[Sandbox]:
    """Yield a sandbox without faults."""
    _shared_sandbox.set_faults(None)
    yield _shared_sandbox
    _shared_sandbox.set_faults(None)


@pytest.fixture(params=["openai", "anthropic"])
def client(request: pytest.FixtureRequest, sandbox: Sandbox, tmp_path: Path) -> Client:
    """Return each provider in turn."""
    return Client(request.param, sandbox, tmp_path)


@pytest.fixture
def openai_client(sandbox: Sandbox, tmp_path: Path) -> Client:
    """Return OpenAI."""
    return Client("openai", sandbox, tmp_path)


@pytest.fixture
def anthropic_client(sandbox: Sandbox, tmp_path: Path) -> Client:
    """Return Anthropic."""
    return Client("anthropic", sandbox, tmp_path)


@pytest.fixture(scope="class")
def install(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Callable[[str], None]]:
    """Return what installs a package for the test, or its class, by its entry point.

    The modules of its vendor lie beside this file.
    """
    with pytest.MonkeyPatch.context() as monkeypatch:

        def install(entry_point: str) -> None:
            folder = tmp_path_factory.mktemp("site-packages")
            metadata = folder / "acme_batches-1.0.dist-info"
            metadata.mkdir()
            text = "Metadata-Version: 2.1\nName: acme-batches\nVersion: 1.0\n"
            (metadata / "METADATA").write_text(text, encoding="utf-8")
            text = f"[batchwright.providers]\n{entry_point}\n"
            (metadata / "entry_points.txt").write_text(text, encoding="utf-8")
            monkeypatch.syspath_prepend(Path(__file__).parent)
            monkeypatch.syspath_prepend(folder)

        yield install
