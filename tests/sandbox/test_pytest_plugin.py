"""The pytest plugin, used as a user's test would."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import openai
import pytest

from batchwright.sandbox import Sandbox


def test_the_fixture_sets_both_sdks_up(batchwright_sandbox: Sandbox) -> None:
    """The SDK needs no argument, and the sandbox knows what it did."""
    with openai.OpenAI() as client:
        client.files.create(file=("x.jsonl", b"{}"), purpose="batch")
    assert [call.operation for call in batchwright_sandbox.calls()] == ["upload"]


@pytest.mark.sandbox_faults(calls=[{"do": "status", "status": 403}])
def test_the_marker_brings_faults(batchwright_sandbox: Sandbox) -> None:
    """Fields of a fault file stand in the marker."""
    with openai.OpenAI() as client, pytest.raises(openai.PermissionDeniedError):
        client.batches.list()


def test_a_marker_can_name_a_file(tmp_path: Path, request: Any) -> None:
    """A suite of its own, run in a process of its own, finds the plugin installed."""
    (tmp_path / "faults.yaml").write_text("seed: 42\n", encoding="utf-8")
    (tmp_path / "test_mine.py").write_text(
        "import pytest\n"
        "@pytest.mark.sandbox_faults('faults.yaml')\n"
        "def test_mine(batchwright_sandbox):\n"
        "    assert batchwright_sandbox.backend.faults.seed == 42\n",
        encoding="utf-8",
    )
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "--strict-markers",
        "-p",
        "no:xdist",
    ]
    done = subprocess.run(
        command, cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_an_unused_plugin_imports_no_server() -> None:
    """Whoever has batchwright installed pays for no web server in other tests."""
    code = (
        "import sys, batchwright.sandbox.pytest_plugin\n"
        "heavy = {'starlette', 'uvicorn', 'prefect', 'openai', 'anthropic'}\n"
        "print(sorted(heavy & sys.modules.keys()))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
