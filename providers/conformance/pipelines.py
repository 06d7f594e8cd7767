"""Tests of whole runs: killed at every step, and with answers that are lost."""

# ruff: noqa: S101 - tests assert

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import pytest

from ..vendors import get_vendor
from .hooks import Hooks, VendorServer

__all__ = ["PipelineConformance", "Runner"]

_ROWS = 4
_BATCHES = 2
_KILLED = -9
_LOOKS = {"call account", "call list", "call retrieve"}
_QUICK = {
    "BATCHWRIGHT_POLL_SECONDS": "0.02",
    "BATCHWRIGHT_MAX_POLL_SECONDS": "0.1",
    "BATCHWRIGHT_ROUND_SECONDS": "0.02",
    "BATCHWRIGHT_RETRY_SECONDS": "0.02",
    "BATCHWRIGHT_SETTLE_SECONDS": "0.2",
}


class Runner:
    """Runs jobs in children of a process that has loaded all they need."""

    def __init__(self, process: subprocess.Popen[str], model: str) -> None:
        self._process = process
        self._model = model

    def prepare(self, server: VendorServer, folder: Path) -> dict[str, Any]:
        """Return the command of a new run in an account and a folder of its own."""
        folder.mkdir()
        rows = "".join(f"text {row}\n" for row in range(_ROWS))
        (folder / "in.csv").write_text(f"text\n{rows}", encoding="utf-8")
        return {
            "folder": str(folder),
            "environment": server.environment() | _QUICK,
            "job": {
                "input": str(folder / "in.csv"),
                "output": str(folder / "out.jsonl"),
                "model": self._model,
                "prompt": "Say something about {{ text }}",
                "max_requests_per_batch": _ROWS // _BATCHES,
            },
        }

    def run(
        self, command: dict[str, Any], kill_at: tuple[str, int] | None = None
    ) -> int:
        """Run a child until its end, or until the step; returns its exit code."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        text = json.dumps(command | {"kill_at": kill_at})
        self._process.stdin.write(text + "\n")
        self._process.stdin.flush()
        return int(self._process.stdout.readline())

    def steps(self, command: dict[str, Any]) -> list[str]:
        """Return the steps that a run has taken, over all its children."""
        trace = Path(command["folder"]) / "trace"
        return trace.read_text("utf-8").splitlines()


class PipelineConformance(Hooks):
    """What must be true of runs whose batches are the vendor's."""

    kill_every: ClassVar[int] = 1
    """A run is killed at every step; 3: at every third, where tests must be quick."""

    @pytest.fixture(scope="class")
    @classmethod
    def runner(cls) -> Iterator[Runner]:
        """Start the process whose children run jobs."""
        with subprocess.Popen(  # noqa: S603 - this package
            [sys.executable, "-m", f"{__package__}.child", cls.vendor],
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        ) as process:
            yield Runner(process, f"{cls.vendor}/{cls.model}")
            process.communicate(timeout=30)

    def test_a_kill_after_any_step_costs_nothing(
        self, server: VendorServer, runner: Runner, tmp_path: Path
    ) -> None:
        """A run that dies at any step is completed by the next one, no batch twice.

        A step is a file that is about to get its name, or a call that has returned.
        """
        server.fail_request()
        undisturbed = runner.prepare(server, tmp_path / "undisturbed")
        assert runner.run(undisturbed) == 0, runner.steps(undisturbed)[-1]
        _assert_complete(undisturbed)
        assert len(server.first_ids()) == _BATCHES + 1  # one further round
        moments = _moments(runner.steps(undisturbed))[:: self.kill_every]
        for number, kill_at in enumerate(moments):
            server.fail_request()
            command = runner.prepare(server, tmp_path / str(number))
            assert runner.run(command, kill_at) == _KILLED, kill_at
            assert runner.run(command) == 0, (kill_at, runner.steps(command)[-1])
            _assert_complete(command)
        _assert_no_batch_twice(server)

    @pytest.mark.parametrize("created", [True, False])
    def test_a_lost_answer_costs_nothing(
        self, server: VendorServer, runner: Runner, tmp_path: Path, *, created: bool
    ) -> None:
        """A create call without an answer is settled, and no batch is made twice."""
        server.lose_answer(created=created)
        command = runner.prepare(server, tmp_path / "run")
        assert runner.run(command) == 0, runner.steps(command)[-1]
        _assert_complete(command)
        _assert_no_batch_twice(server)
        assert len(server.first_ids()) == _BATCHES

    def test_a_lost_answer_and_a_kill_cost_nothing(
        self, server: VendorServer, runner: Runner, tmp_path: Path
    ) -> None:
        """A run that dies while it looks for a lost batch is completed by the next."""
        server.lose_answer(created=True)
        command = runner.prepare(server, tmp_path / "run")
        sent_again = get_vendor(self.vendor).creation == "key"
        look = "call create" if sent_again else "call find"
        assert runner.run(command, (look, 1)) == _KILLED
        assert runner.run(command) == 0, runner.steps(command)[-1]
        _assert_complete(command)
        _assert_no_batch_twice(server)

    def test_a_run_in_realtime_creates_no_batch(
        self, server: VendorServer, runner: Runner, tmp_path: Path
    ) -> None:
        """A run that is due at once asks its requests, and goes on where it died."""
        command = runner.prepare(server, tmp_path / "run")
        command["job"]["finish_by_seconds"] = 0
        assert runner.run(command, ("call ask", 1)) == _KILLED
        assert runner.run(command) == 0, runner.steps(command)[-1]
        _assert_complete(command)
        assert server.first_ids() == []


def _moments(steps: list[str]) -> list[tuple[str, int]]:
    """Return steps, and which time they are taken: the first and last of each kind.

    The same step of two shards is of one kind. How often a client looks depends on
    time, so only its first look is a step to die at.
    """
    kinds: dict[str, list[tuple[str, int]]] = {}
    taken: Counter[str] = Counter()
    for step in steps:
        taken[step] += 1
        kind = re.sub(r"\d+", "", step)
        kinds.setdefault(kind, []).append((step, taken[step]))
    for look in _LOOKS & kinds.keys():
        del kinds[look][1:]
    return [*{found[at]: None for found in kinds.values() for at in (0, -1)}]


def _assert_complete(command: dict[str, Any]) -> None:
    """Each row has its answer, in the order of the input."""
    output = Path(command["job"]["output"]).read_text("utf-8").splitlines()
    rows = [json.loads(line) for line in output]
    assert [row["text"] for row in rows] == [f"text {n}" for n in range(_ROWS)]
    assert [row["_outcome"] for row in rows] == ["succeeded"] * _ROWS
    assert all(row.get("answer") or row.get("embedding") for row in rows)


def _assert_no_batch_twice(server: VendorServer) -> None:
    sent = Counter(server.first_ids())
    assert [first for first, count in sent.items() if count > 1] == []
