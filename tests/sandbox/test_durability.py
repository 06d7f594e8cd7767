"""State outlives the process, however it ends."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import anthropic
import httpx2
import openai
import orjson
import pytest

from batchwright.errors import InputError
from batchwright.sandbox import Sandbox

Start = Any


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts a sandbox on one folder, in another process; kills what is left."""
    running: list[subprocess.Popen[str]] = []

    def start(**faults: Any) -> tuple[subprocess.Popen[str], str]:
        command = [sys.executable, str(Path(__file__).with_name("serve.py"))]
        process = subprocess.Popen(
            [*command, str(tmp_path), json.dumps(faults)],
            stdout=subprocess.PIPE,
            text=True,
        )
        running.append(process)
        assert process.stdout is not None
        return process, process.stdout.readline().strip()

    yield start
    for process in running:
        process.kill()
        process.communicate()


def _openai(url: str) -> openai.OpenAI:
    return openai.OpenAI(base_url=f"{url}/openai/v1", api_key="k", max_retries=0)


def _anthropic(url: str) -> anthropic.Anthropic:
    return anthropic.Anthropic(base_url=f"{url}/anthropic", api_key="k", max_retries=0)


def _until_ended(url: str, batch_id: str) -> Any:
    with _openai(url) as client:
        while True:
            batch = client.batches.retrieve(batch_id)
            if batch.status in {"completed", "failed", "expired", "cancelled"}:
                return batch


def test_sigkill_loses_nothing(start: Start, chat: Any, message: Any) -> None:
    """Batches in the middle of their work go on in the next process, and complete."""
    process, url = start(durations={"in_progress": 2})
    lines = b"".join(orjson.dumps(chat(f"row-{i}")) + b"\n" for i in range(8000))
    with _openai(url) as client, _anthropic(url) as other:
        file = client.files.create(file=("x.jsonl", lines), purpose="batch")
        batch = client.batches.create(
            input_file_id=file.id,
            endpoint="/v1/chat/completions",
            completion_window="24h",
            metadata={"token": "t"},
        )
        theirs = other.messages.batches.create(requests=[message("a")])
    process.send_signal(signal.SIGKILL)
    process.wait()
    process, url = start()
    done = _until_ended(url, batch.id)
    assert done.status == "completed"
    assert done.metadata == {"token": "t"}
    assert done.request_counts.completed == 8000
    with _openai(url) as client, _anthropic(url) as other:
        output = client.files.content(done.output_file_id).content.splitlines()
        ids = {orjson.loads(line)["custom_id"] for line in output}
        assert ids == {f"row-{i}" for i in range(8000)}
        assert len(output) == 8000
        (found,) = other.messages.batches.list()
        assert found.id == theirs.id
    assert len(httpx2.get(f"{url}/_sandbox/state").json()["batches"]) == 2


def test_interrupting_ends_it_without_a_traceback(start: Start) -> None:
    """Ctrl-C is the way to stop it, so it is no error."""
    process, _ = start()
    process.send_signal(signal.SIGINT)
    assert process.wait(timeout=20) == 0


def test_a_folder_belongs_to_one_sandbox(tmp_path: Path) -> None:
    """A second server on the same folder is refused, and says why."""
    with (
        Sandbox(tmp_path),
        pytest.raises(InputError, match="in use by another sandbox"),
    ):
        Sandbox(tmp_path).start()


def test_a_restart_shows_the_same_batches(
    tmp_path: Path, connect: Any, chat: Any
) -> None:
    """Results, lists and accounts are as they were."""
    with Sandbox(tmp_path) as sandbox:
        batch = connect(sandbox).run([chat("a"), chat("b")])
        raw = connect(sandbox).raw(batch.output_file_id)
    with Sandbox(tmp_path) as sandbox:
        clients = connect(sandbox)
        assert clients.openai.batches.retrieve(batch.id) == batch
        assert clients.raw(batch.output_file_id) == raw


def test_unfinished_work_goes_on_where_it_was(
    tmp_path: Path, connect: Any, chat: Any
) -> None:
    """A batch that was running when its sandbox stopped is completed by the next."""
    with Sandbox(tmp_path) as sandbox:
        batch_id = connect(sandbox).create([chat(f"row-{i}") for i in range(3000)])
    with Sandbox(tmp_path) as sandbox:
        sandbox.settle()
        clients = connect(sandbox)
        batch = clients.openai.batches.retrieve(batch_id)
        assert batch.request_counts.completed == 3000
        assert len(clients.results(batch)) == 3000
    assert not list(tmp_path.rglob("*.work"))
