"""Tests of a disk that is full: a sentence, a code, and nothing half-written."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from batchwright.providers.sandbox import Sandbox

Cli = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def small(folder: Path) -> Iterator[Path]:
    """A folder on a disk of 100 kB; without root, files of that size at most."""
    path = folder / "small"
    path.mkdir()
    mounted = os.geteuid() == 0 and _ran(
        ["mount", "-t", "tmpfs", "-o", "size=100k", "tmpfs", str(path)]
    )
    yield path
    if mounted:
        assert _ran(["umount", "-l", str(path)])


def _ran(command: list[str]) -> bool:
    if shutil.which(command[0]) is None:
        return False
    return not subprocess.run(command, capture_output=True, check=False).returncode


@pytest.fixture
def cli(small: Path, sandbox: Sandbox) -> Cli:
    """Run a command whose files cannot grow over what the small disk holds."""

    def run(*args: str) -> subprocess.CompletedProcess[str]:
        limited = 'ulimit -f 100; exec "$@"'
        command = [sys.executable, "-m", "batchwright.cli", *args]
        if os.path.ismount(small):
            limited = 'exec "$@"'
        return subprocess.run(
            ["/bin/bash", "-c", limited, "bash", *command],
            env={**os.environ, **sandbox.environment()},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    return run


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


def _assert_refused(
    done: subprocess.CompletedProcess[str], small: Path, name: str
) -> None:
    assert done.returncode == 1, done.stderr
    assert done.stderr.startswith("Error: ")
    assert f"{name} cannot be written: " in done.stderr
    assert done.stderr.count("\n") == 1
    assert list(small.iterdir()) == []


def test_generate(cli: Cli, small: Path) -> None:
    """Requests that do not fit are named, and none of them is left."""
    _rows(2_000)
    arguments = ["--model", "gpt-5-mini", "--prompt", "{{ text }}"]
    done = cli("generate", "rows.csv", *arguments, "--output", "small/o.jsonl")
    _assert_refused(done, small, "small/o.jsonl")


@pytest.mark.parametrize("name", ["o.csv", "o.jsonl", "o.parquet"])
def test_parse(cli: Cli, small: Path, name: str) -> None:
    """A table that does not fit is named, whatever its kind, and nothing is left."""
    _results(1_500)
    done = cli("parse", "--file-path", "results.jsonl", "--output", f"small/{name}")
    _assert_refused(done, small, f"small/{name}")


def test_download_file(
    cli: Cli, small: Path, sandbox: Sandbox, requests: Callable[[str, int], Path]
) -> None:
    """Results that do not fit are named; the batch can be downloaded elsewhere."""
    path = requests("openai", 400)
    batch = cli("create-from-file", "--file-path", str(path)).stdout.strip()
    sandbox.settle()
    command = ["download-file", "--batch-id", batch, "--download-file-path"]
    _assert_refused(cli(*command, "small/r.jsonl"), small, "small/r.jsonl")
