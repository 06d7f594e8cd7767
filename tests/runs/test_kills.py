"""Tests of crashes: whatever step a run dies after, the next one finishes it.

The invariants after each kill and resume: the provider made no batch twice, the table
is that of an undisturbed run, and no record is half-written.
"""

from __future__ import annotations

import json
import random
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from batchwright.providers.sandbox import Sandbox

MODELS = {"openai": "gpt-5-mini", "anthropic": "claude-sonnet-4-5"}
NONCE = "0badcafe"
ROWS = 6
FAULTS = {
    "durations": {"validating": 0, "in_progress": 0.01, "finalizing": 0},
    "batches": [{"nth": [1], "answers": [{"status": 500, "nth": [2]}]}],
}
"""One request of the first batch fails, so that there is a second round."""


class Killable:
    """Runs jobs in children of a process that has loaded all it needs."""

    def __init__(self, sandbox: Sandbox, folder: Path) -> None:
        self.sandbox = sandbox
        self.folder = folder
        self._runs = 0
        (folder / "in.csv").write_text(
            "text\n" + "".join(f"text {row}\n" for row in range(ROWS)),
            encoding="utf-8",
        )
        self._process = subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name("killable.py"))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def close(self) -> None:
        """End the process."""
        self._process.communicate(timeout=30)

    def prepare(self, provider: str) -> dict[str, Any]:
        """Return the command of a new run, in an account of its own."""
        self._runs += 1
        run_dir = self.folder / f"run-{self._runs}"
        run_dir.mkdir()
        # The same IDs give the same synthetic answers, so tables can be compared.
        (run_dir / "nonce").write_text(NONCE, encoding="utf-8")
        key = f"key-{self._runs}"
        environment = self.sandbox.environment()
        environment |= {"OPENAI_API_KEY": key, "ANTHROPIC_API_KEY": key}
        environment["BATCHWRIGHT_SETTLE_SECONDS"] = "0.3"
        return {
            "run_dir": str(run_dir),
            "trace": str(run_dir.with_suffix(".trace")),
            "environment": environment,
            "job": {
                "input": str(self.folder / "in.csv"),
                "output": str(run_dir.with_suffix(".jsonl")),
                "model": MODELS[provider],
                "prompt": "Say something about {{ text }}",
                "max_requests_per_batch": 3,
            },
        }

    def run(self, command: dict[str, Any]) -> int:
        """Run a child; returns its exit code."""
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin is not None
        assert stdout is not None
        stdin.write(json.dumps(command) + "\n")
        stdin.flush()
        return int(stdout.readline())

    def duplicates(self) -> list[str]:
        """Return the first IDs of requests that were sent in more than one batch."""
        sent = Counter(
            (batch.account, batch.first_custom_id) for batch in self.sandbox.batches()
        )
        return [str(key) for key, count in sent.items() if count > 1]


def table(command: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the output without what differs from run to run."""
    output = Path(command["job"]["output"])
    rows = [json.loads(line) for line in output.read_text("utf-8").splitlines()]
    for row in rows:
        del row["_custom_id"], row["_batch_id"]
    return rows


def steps(command: dict[str, Any]) -> list[str]:
    """Return the steps that were traced."""
    return Path(command["trace"]).read_text("utf-8").splitlines()


@pytest.fixture
def killable(sandbox: Sandbox, tmp_path: Path) -> Iterator[Killable]:
    """Give a process that runs and loses children."""
    process = Killable(sandbox, tmp_path)
    yield process
    process.close()


@pytest.mark.parametrize("provider", ["openai", "anthropic"])
def test_a_kill_after_any_step_costs_nothing(provider: str, killable: Killable) -> None:
    """A run that dies after any write or call is finished by the next one."""
    killable.sandbox.set_faults(FAULTS)
    undisturbed = killable.prepare(provider)
    assert killable.run(undisturbed) == 0
    expected = table(undisturbed)
    counts = Counter(steps(undisturbed))
    assert len(expected) == ROWS
    assert any(step.startswith("write rounds/1/") for step in counts)
    for step, count in counts.items():
        # How often it looks is a matter of time; that it looked is one step.
        for occurrence in range(1, 2 if step.startswith("GET") else count + 1):
            killable.sandbox.set_faults(FAULTS)
            command = killable.prepare(provider)
            code = killable.run(command | {"kill_at": (step, occurrence)})
            assert code == -9, f"the run never came to {step} ({occurrence})"
            assert killable.run(command) == 0, step
            assert table(command) == expected, step
            assert killable.duplicates() == [], step


def kill_at_random(killable: Killable, kills: int, seed: int) -> None:
    """Kill runs of both providers at random times until so many kills took place."""
    chance = random.Random(seed)  # noqa: S311 - chooses moments, keeps no secret
    expected = {}
    seconds = {}
    for provider in MODELS:
        killable.sandbox.set_faults(FAULTS)
        command = killable.prepare(provider)
        assert killable.run(command) == 0
        expected[provider] = table(command)
        seconds[provider] = 0.7
    killed = 0
    while killed < kills:
        provider = chance.choice(list(MODELS))
        killable.sandbox.set_faults(FAULTS)
        command = killable.prepare(provider)
        for _ in range(5):
            after = chance.uniform(0, seconds[provider])
            code = killable.run(command | {"kill_after_seconds": after})
            if code == 0:
                break
            assert code == -9
            killed += 1
        assert killable.run(command) == 0
        assert table(command) == expected[provider]
        assert killable.duplicates() == []


def test_kills_at_random_times_cost_nothing(killable: Killable) -> None:
    """Two hundred kills, several of them of the same run."""
    kill_at_random(killable, 200, seed=4)


@pytest.mark.long
def test_a_thousand_kills_cost_nothing(killable: Killable) -> None:
    """The same for as long as it takes."""
    kill_at_random(killable, 1000, seed=5)
