"""Tests of workers that stand still, as with SIGSTOP, while another one goes on.

Only a run on a shared store can meet this: a local one is locked until they die.
"""

from __future__ import annotations

import os
import re
import signal
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from pathlib import Path
from threading import Event, Thread
from typing import Any
from urllib.parse import urlsplit

import pytest

from batchwright.models import Outcome
from batchwright.runs.directory.run import Run
from batchwright.runs.drive import drive
from batchwright.runs.report.report import report_on
from batchwright.settings import get_settings

CREATED = {
    "openai": "POST /openai/v1/batches",
    "anthropic": "POST /anthropic/v1/messages/batches",
}
BOTH = pytest.mark.parametrize("provider", list(CREATED))
ROWS = 6
FIRST = "shards/00000"


def until(condition: Any) -> None:
    """Wait for something that another process does."""
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def other_machine(command: dict[str, Any], patch: pytest.MonkeyPatch) -> Run:
    """Return the run as this process has it, which is not the worker's."""
    for name, value in command["environment"].items():
        patch.setenv(name, value)
    patch.setenv("BATCHWRIGHT_HTTP_TIMEOUT_SECONDS", "1")
    get_settings.cache_clear()
    return Run.load(command["run_dir"])


def freeze(pool: ThreadPoolExecutor, killable: Any, command: dict[str, Any]) -> Any:
    """Start a worker that stops before it sends its first create call."""
    stop_before = CREATED[command["provider"]]
    ended = pool.submit(killable.run, command | {"stop_before": stop_before})
    trace = Path(command["trace"])

    def pid() -> int | None:
        lines = trace.read_text("utf-8").splitlines() if trace.exists() else []
        found = [int(line.split()[1]) for line in lines if line.startswith("stopped")]
        return found[0] if found else None

    until(lambda: pid() and Path(f"/proc/{pid()}/stat").read_text().split()[2] == "T")
    return pid(), ended


@BOTH
def test_a_worker_that_wakes_up_sends_nothing(
    provider: str, killable: Any, bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It stopped after its last look at the claim, and before the first byte."""
    killable.sandbox.set_faults({})
    command = killable.prepare(provider, bucket) | {"provider": provider}
    with ThreadPoolExecutor() as pool:
        pid, ended = freeze(pool, killable, command)
        run = other_machine(command, monkeypatch)
        assert drive(run, wait=True).outcomes == {Outcome.SUCCEEDED: ROWS}
        os.kill(pid, signal.SIGCONT)
        assert ended.result(60) == 0, killable.steps(command)[-1]
    assert killable.duplicates() == []
    assert len(killable.table(command)) == ROWS


class Gate:
    """Stands before the sandbox, and holds the first create call until it is opened."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._holds = True
        self.held = Event()
        self.opened = Event()
        Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        """Take no further connection."""
        self._listener.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                server = socket.create_connection(("127.0.0.1", self._port))
                for ends in ((client, server), (server, client)):
                    Thread(target=self._pump, args=ends, daemon=True).start()

    def _pump(self, source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(1 << 16):
                if self._holds and re.match(rb"POST \S+/batches ", data):
                    self._holds = False
                    self.held.set()
                    self.opened.wait(60)
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)


@pytest.mark.parametrize(
    "provider", ["openai", pytest.param("anthropic", marks=pytest.mark.long)]
)
def test_a_batch_that_comes_too_late_is_cancelled(
    provider: str, killable: Any, bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its call was on the way when another worker gave its claim up."""
    sandbox = killable.sandbox
    sandbox.set_faults({"durations": {"in_progress": 3600}})
    command = killable.prepare(provider, bucket)
    gate = Gate(urlsplit(sandbox.url).port)
    for name in ("OPENAI_BASE_URL", "ANTHROPIC_BASE_URL"):
        url = urlsplit(command["environment"][name])
        command["environment"][name] = url._replace(
            netloc=f"127.0.0.1:{gate.port}"
        ).geturl()
    frozen = {"BATCHWRIGHT_HTTP_TIMEOUT_SECONDS": "200"}
    worker = command | {"environment": command["environment"] | frozen}
    with closing(gate), ThreadPoolExecutor() as pool:
        ended = pool.submit(killable.run, worker)
        assert gate.held.wait(60)
        run = other_machine(command, monkeypatch)
        until(lambda: drive(run, wait=False) and run.state().shards[FIRST].is_open)
        gate.opened.set()
        assert ended.result(60) == 1
    said = killable.steps(command)[-1]
    assert said.startswith("RunBusyError: While this process stood still, another")
    state = run.state()
    late, right = state.shards[FIRST].attempts.all
    assert f"Batch {late.batch.id}, which was created" in said
    report = report_on(run, state)
    words = {line.batch_id: line.provider_status for line in report.batches}
    assert words[late.batch.id] == "cancelled"
    assert report.cost_usd is None
    sandbox.settle()
    words = {batch.id: batch.status for batch in sandbox.batches()}
    assert words[late.batch.id] == "cancelled"
    assert words[right.batch.id] == "completed"
    assert drive(run, wait=True).outcomes == {Outcome.SUCCEEDED: ROWS}
