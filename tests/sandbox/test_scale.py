"""Many and large batches, in bounded memory."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import orjson
import pytest


@pytest.fixture
def server(tmp_path: Path) -> Iterator[tuple[int, str]]:
    """A sandbox in a process of its own: its process ID and URL."""
    script = str(Path(__file__).with_name("serve.py"))
    process = subprocess.Popen(
        [sys.executable, script, str(tmp_path), json.dumps({})],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    yield process.pid, process.stdout.readline().strip()
    process.kill()
    process.communicate()


def _peak_mb(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    (line,) = [each for each in status.splitlines() if each.startswith("VmHWM")]
    return int(line.split()[1]) / 1024


def _client(url: str) -> httpx2.Client:
    headers = {"authorization": "Bearer k", "anthropic-version": "2023-06-01"}
    return httpx2.Client(base_url=url, headers=headers, timeout=600)


def _upload(client: httpx2.Client, path: Path) -> str:
    with path.open("rb") as file:
        answer = client.post(
            "/openai/v1/files",
            data={"purpose": "batch"},
            files={"file": ("requests.jsonl", file)},
        )
    return str(answer.raise_for_status().json()["id"])


def _create(client: httpx2.Client, file_id: str) -> str:
    body = {
        "input_file_id": file_id,
        "endpoint": "/v1/chat/completions",
        "completion_window": "24h",
    }
    answer = client.post("/openai/v1/batches", json=body).raise_for_status()
    return str(answer.json()["id"])


def _wait(client: httpx2.Client, batch_id: str) -> dict[str, Any]:
    while True:
        batch: dict[str, Any] = client.get(f"/openai/v1/batches/{batch_id}").json()
        if batch["status"] in {"completed", "failed"}:
            return batch


def _write(path: Path, chat: Any, count: int) -> None:
    with path.open("wb") as file:
        for number in range(count):
            file.write(orjson.dumps(chat(f"row-{number}")) + b"\n")


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_a_large_batch_needs_little_memory(
    server: tuple[int, str], tmp_path: Path, chat: Any
) -> None:
    """20,000 requests raise the peak by less than 40 MB."""
    pid, url = server
    path = tmp_path / "requests.jsonl"
    _write(path, chat, 1)
    with _client(url) as client:
        _wait(client, _create(client, _upload(client, path)))
        before = _peak_mb(pid)
        _write(path, chat, 20_000)
        batch = _wait(client, _create(client, _upload(client, path)))
        assert batch["request_counts"]["completed"] == 20_000
        length = 0
        url = f"/openai/v1/files/{batch['output_file_id']}/content"
        with client.stream("GET", url) as answer:
            for block in answer.iter_bytes():
                length += block.count(b"\n")
        assert length == 20_000
        assert _peak_mb(pid) - before < 40


@pytest.mark.long
@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_twenty_full_batches_stay_under_300_mb(
    server: tuple[int, str], tmp_path: Path, chat: Any
) -> None:
    """20 batches of 50,000 requests at once, a million in all."""
    pid, url = server
    path = tmp_path / "requests.jsonl"
    _write(path, chat, 50_000)
    with _client(url) as client:
        file_id = _upload(client, path)
        batches = [_create(client, file_id) for _ in range(20)]
        for batch_id in batches:
            assert _wait(client, batch_id)["request_counts"]["completed"] == 50_000
    assert _peak_mb(pid) < 300


@pytest.mark.long
@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_a_full_anthropic_body_stays_on_disk(
    server: tuple[int, str], message: Any
) -> None:
    """100,000 requests, 255 MB: 90 MB of memory beside the mapped file."""
    pid, url = server
    sent = 0

    def body() -> Iterator[bytes]:
        nonlocal sent
        for number in range(100_000):
            content = [{"role": "user", "content": "x" * 2400}]
            item = orjson.dumps(message(f"row-{number}", messages=content))
            part = (b"," if number else b'{"requests":[') + item
            sent += len(part)
            yield part
        yield b"]}"

    with _client(url) as client:
        path = "/anthropic/v1/messages/batches"
        batch = client.post(path, content=body()).raise_for_status().json()
        while batch["processing_status"] != "ended":
            batch = client.get(f"{path}/{batch['id']}").json()
        assert batch["request_counts"]["succeeded"] == 100_000
    assert 250e6 < sent < 256e6
    assert _peak_mb(pid) - sent / 2**20 < 90


@pytest.mark.long
def test_a_thousand_batches_run_at_once(
    server: tuple[int, str], tmp_path: Path, chat: Any
) -> None:
    """All complete, and lists page through them."""
    _, url = server
    path = tmp_path / "requests.jsonl"
    _write(path, chat, 3)
    with _client(url) as client:
        file_id = _upload(client, path)
        made = [_create(client, file_id) for _ in range(1000)]
        for batch_id in made:
            assert _wait(client, batch_id)["request_counts"]["completed"] == 3
        seen: list[str] = []
        after: dict[str, str] = {}
        while True:
            parameters = {"limit": "100", **after}
            page = client.get("/openai/v1/batches", params=parameters).json()
            seen += [each["id"] for each in page["data"]]
            if not page["has_more"]:
                break
            after = {"after": seen[-1]}
        assert seen == made[::-1]
