"""Tests of a sandbox whose disk is full: it says so, and loses nothing."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
import pytest

from batchwright.errors import InputError, RejectedError
from batchwright.models import Batch, Intent
from batchwright.providers import Provider, get_provider
from batchwright.sandbox import Sandbox


@pytest.fixture
def filler(small_disk: Path, enlarge: Callable[[], None]) -> Path:
    """What takes the room of the disk."""
    enlarge()
    return small_disk / "filler"


@pytest.fixture
def sandbox(filler: Path) -> Iterator[Sandbox]:
    """A sandbox whose state is on the small disk and whose batches take an hour."""
    faults = {"durations": {"in_progress": 3600}}
    with Sandbox(filler.with_name("state"), faults=faults) as running:
        yield running


def _fill(filler: Path, leaving: int) -> None:
    free = shutil.disk_usage(filler.parent).free
    filler.write_bytes(bytes(free - leaving))


def _create(provider: Provider, folder: Path, requests: int) -> Batch:
    path = folder / "requests.jsonl"
    message = {"role": "user", "content": "Say it."}
    bodies = {
        "openai": {"model": "gpt-x", "messages": [message]},
        "anthropic": {"model": "claude-x", "max_tokens": 9, "messages": [message]},
    }
    with path.open("wb") as file:
        for number in range(requests):
            line: dict[str, Any] = {"custom_id": f"{number}"}
            if provider.name == "openai":
                line |= {"method": "POST", "url": "/v1/chat/completions"}
                line["body"] = bodies["openai"]
            else:
                line["params"] = bodies["anthropic"]
            file.write(orjson.dumps(line) + b"\n")
    intent = Intent(
        token="token",
        claimed_at=datetime.now(UTC),
        requests=requests,
        bytes=path.stat().st_size,
        digest="",
        endpoint="/v1/chat/completions",
        account=provider.account(),
        input_file_id=provider.upload(path),
    )
    return provider.create(path, intent)


@pytest.fixture(params=["openai", "anthropic"])
def provider(request: pytest.FixtureRequest, sandbox: Sandbox) -> Provider:
    """Each provider's client, on this sandbox."""
    url = getattr(sandbox, f"{request.param}_base_url")
    return get_provider(request.param, url, "sandbox-key")


def test_a_call_that_finds_no_room(
    provider: Provider, sandbox: Sandbox, filler: Path, tmp_path: Path
) -> None:
    """It is refused for good, with the folder's name, and nothing is left of it."""
    _fill(filler, 0)
    with pytest.raises(RejectedError, match=f"free some for {filler.parent}") as told:
        _create(provider, tmp_path, 1000)
    assert told.value.status == 507
    assert sandbox.created() == 0
    assert list(filler.with_name("state").glob("files/*")) == []
    filler.unlink()
    _create(provider, tmp_path, 1000)
    assert sandbox.created() == 1


def test_a_batch_that_finds_no_room(
    provider: Provider, sandbox: Sandbox, filler: Path, tmp_path: Path
) -> None:
    """Its work stops, every call says so, and with room it goes on."""
    _fill(filler, 700_000)
    batch = _create(provider, tmp_path, 2000)
    assert sandbox.backend.worker.wait_idle(60)
    for _ in range(2):
        with pytest.raises(RejectedError, match=f"free some for {filler.parent}"):
            provider.retrieve(batch.id)
    filler.unlink()
    assert not provider.retrieve(batch.id).status.is_final
    sandbox.settle()
    batch = provider.retrieve(batch.id)
    assert batch.counts.succeeded == 2000
    assert sandbox.created() == 1


def test_a_sandbox_that_finds_no_room(filler: Path) -> None:
    """It does not start, and names its folder; with room, it does."""
    _fill(filler, 30_000)
    folder = filler.with_name("state")
    with pytest.raises(OSError, match="No space left on device") as told:
        Sandbox(folder).start()
    assert told.value.filename == str(folder)
    filler.unlink()
    with Sandbox(folder) as sandbox:
        assert sandbox.created() == 0


def test_a_file_that_is_no_state(tmp_path: Path) -> None:
    """A database that is none is named, and not said to be in use."""
    (tmp_path / "sandbox.sqlite3").write_bytes(b"no database" * 999)
    with pytest.raises(InputError, match=r"sandbox\.sqlite3.*not a database"):
        Sandbox(tmp_path).start()
