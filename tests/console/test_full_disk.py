"""Tests of a disk that is full: a sentence, a code, and nothing half-written."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import Result

from batchwright.sandbox import Sandbox

Cli = Callable[..., Result]


@pytest.fixture(autouse=True)
def _disk(small_disk: Path) -> None:
    """Mount the disk."""


def _rows(count: int) -> None:
    lines = "".join(f"{number} {'x' * 50}\n" for number in range(count))
    Path("rows.csv").write_text(f"text\n{lines}", encoding="utf-8")


def _results(count: int) -> None:
    with Path("results.jsonl").open("w", encoding="utf-8") as file:
        for number in range(count):
            message = {"role": "assistant", "content": os.urandom(99).hex()}
            choice = {"index": 0, "finish_reason": "stop", "message": message}
            body = {"model": "gpt-5-mini", "choices": [choice]}
            response = {"status_code": 200, "request_id": "r", "body": body}
            line = {"custom_id": f"{number}", "response": response, "error": None}
            file.write(json.dumps(line) + "\n")


def _assert_refused(done: Result, small_disk: Path, name: str) -> None:
    assert done.exit_code == 1, done.stderr
    assert done.stderr.startswith("Error: ")
    assert f"{name} cannot be written: " in done.stderr
    assert done.stderr.count("\n") == 1
    assert list(small_disk.iterdir()) == []


def test_generate(cli: Cli, small_disk: Path) -> None:
    """Requests that do not fit are named, and none of them is left."""
    _rows(2_000)
    arguments = ["--model", "gpt-5-mini", "--prompt", "{{ text }}"]
    done = cli("generate", "rows.csv", *arguments, "--output", "small/o.jsonl")
    _assert_refused(done, small_disk, "small/o.jsonl")


@pytest.mark.parametrize("name", ["o.csv", "o.jsonl", "o.parquet"])
def test_parse(cli: Cli, small_disk: Path, name: str) -> None:
    """A table that does not fit is named, whatever its kind, and nothing is left."""
    _results(1_500)
    done = cli("parse", "--file-path", "results.jsonl", "--output", f"small/{name}")
    _assert_refused(done, small_disk, f"small/{name}")


def test_download_file(
    cli: Cli, small_disk: Path, sandbox: Sandbox, requests: Callable[[str, int], Path]
) -> None:
    """Results that do not fit are named; the batch can be downloaded elsewhere."""
    path = requests("openai", 400)
    batch = cli("create-from-file", "--file-path", str(path)).stdout.strip()
    sandbox.settle()
    command = ["download-file", "--batch-id", batch, "--download-file-path"]
    _assert_refused(cli(*command, "small/r.jsonl"), small_disk, "small/r.jsonl")


@pytest.mark.parametrize(
    ("rows", "run_dir", "output", "batches", "command"),
    [
        pytest.param(2000, "small/r", "out.csv", 0, "run", id="requests"),
        pytest.param(300, "small/r", "out.csv", 1, "resume", id="results"),
        pytest.param(300, "r", "small/out.csv", 1, "run", id="output"),
    ],
)
def test_a_run(  # noqa: PLR0913, PLR0917 - a table of cases
    cli: Cli,
    enlarge: Callable[[], None],
    sandbox: Sandbox,
    prefect_server: str,
    monkeypatch: pytest.MonkeyPatch,
    rows: int,
    run_dir: str,
    output: str,
    batches: int,
    command: str,
) -> None:
    """A run stops with a sentence, and goes on with the batch it has, given room."""
    monkeypatch.setenv("PREFECT_API_URL", prefect_server)
    lines = "".join(f"{number:050},{'x' * 900}\n" for number in range(rows))
    Path("rows.csv").write_text(f"text,note\n{lines}", encoding="utf-8")
    run = ["run", "rows.csv", "--model", "gpt-5-mini", "--prompt", "{{ text }}"]
    run += ["--run-dir", run_dir, "--output", output]

    # In a process of its own, where Prefect is as quiet as the command makes it.
    done = subprocess.run(
        [sys.executable, "-m", "batchwright.cli", *run],
        env={**os.environ, **sandbox.environment()},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1, done.stderr
    assert done.stdout == ""
    said = done.stderr.splitlines()[-1]
    assert said.startswith("Error: ")
    assert "small" in said
    assert "Traceback" not in done.stderr
    assert not Path(output).exists()
    assert sandbox.created() == batches

    enlarge()
    again = cli(*(run if command == "run" else ["resume", run_dir]))
    assert again.exit_code == 0, again.stderr
    assert Path(output).read_bytes().count(b"\n") == rows + 1
    assert sandbox.created() == 1
