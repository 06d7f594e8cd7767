"""Processes that die, and a store that is not a disk: for runs that survive both."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from secrets import token_hex
from typing import Any

import pytest

from batchwright.runs.directory.storage import Directory
from batchwright.sandbox import Sandbox

MODELS = {"openai": "gpt-5-mini", "anthropic": "claude-sonnet-4-5"}
NONCE = "0badcafe"
ROWS = 6


class Killable:
    """Runs jobs in children of a process that has loaded all it needs."""

    def __init__(
        self, process: subprocess.Popen[str], sandbox: Sandbox, folder: Path
    ) -> None:
        self._process = process
        self.sandbox = sandbox
        self.folder = folder
        self._runs = 0
        (folder / "in.csv").write_text(
            "text\n" + "".join(f"text {row}\n" for row in range(ROWS)),
            encoding="utf-8",
        )

    def prepare(self, provider: str, root: str | None = None) -> dict[str, Any]:
        """Return the command of a new run, in an account of its own.

        The run lies under `root`, a local folder by default.
        """
        self._runs += 1
        name = f"run-{self._runs}"
        run_dir = f"{root or self.folder}/{name}"
        # The same IDs give the same synthetic answers, so tables can be compared.
        Directory(run_dir).write_once("nonce", NONCE.encode())
        key = f"key-{token_hex(4)}"
        environment = self.sandbox.environment()
        environment |= {"OPENAI_API_KEY": key, "ANTHROPIC_API_KEY": key}
        environment["BATCHWRIGHT_SETTLE_SECONDS"] = "0.3"
        # The process may be older than the bucket that its children write to.
        environment |= {k: v for k, v in os.environ.items() if k.startswith("AWS_")}
        return {
            "run_dir": run_dir,
            "trace": str(self.folder / f"{name}.trace"),
            "environment": environment,
            "job": {
                "input": str(self.folder / "in.csv"),
                "output": str(self.folder / f"{name}.jsonl"),
                "model": MODELS[provider],
                "prompt": "Say something about {{ text }}",
                "max_requests_per_batch": 3,
            },
        }

    def run(self, command: dict[str, Any]) -> int:
        """Run a child; returns its exit code."""
        (code,) = self.run_at_once(command)
        return code

    def run_at_once(self, *commands: dict[str, Any]) -> list[int]:
        """Run children that start at the same moment; returns their exit codes."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(commands) + "\n")
        self._process.stdin.flush()
        codes: list[int] = json.loads(self._process.stdout.readline())
        return codes

    def duplicates(self) -> list[str]:
        """Return the first IDs of requests that were sent in more than one batch."""
        sent = Counter(
            (batch.account, batch.first_custom_id) for batch in self.sandbox.batches()
        )
        return [str(key) for key, count in sent.items() if count > 1]

    def table_with_batches(self, command: dict[str, Any]) -> list[dict[str, Any]]:
        """Return the output."""
        output = Path(command["job"]["output"])
        return [json.loads(line) for line in output.read_text("utf-8").splitlines()]

    def table(self, command: dict[str, Any]) -> list[dict[str, Any]]:
        """Return the output without what differs from run to run."""
        rows = self.table_with_batches(command)
        for row in rows:
            del row["_custom_id"], row["_batch_id"]
        return rows

    def assert_alike(self, *commands: dict[str, Any]) -> None:
        """Compare the outputs of two commands.

        The batch that is created first, which has a row for the next round, may differ.
        """
        tables = [self.table(command) for command in commands]
        rounds = [sorted(row.pop("_round") for row in table) for table in tables]
        assert rounds[0] == rounds[1]
        assert tables[0] == tables[1]

    def steps(self, command: dict[str, Any]) -> list[str]:
        """Return the steps that were traced."""
        return Path(command["trace"]).read_text("utf-8").splitlines()


@pytest.fixture(scope="session")
def _forker() -> Iterator[subprocess.Popen[str]]:
    """Start the process that has loaded all it needs, and forks."""
    with subprocess.Popen(
        [sys.executable, str(Path(__file__).with_name("killable.py"))],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        yield process
        process.communicate(timeout=30)


@pytest.fixture
def killable(
    _forker: subprocess.Popen[str], sandbox: Sandbox, tmp_path: Path
) -> Killable:
    """Give a process that runs and loses children."""
    return Killable(_forker, sandbox, tmp_path)
