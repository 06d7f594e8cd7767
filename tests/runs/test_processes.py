"""Tests of whole processes: two at once on one run, and one that is asked to stop."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from pathlib import Path

import pytest

from batchwright.sandbox import Sandbox

pytestmark = [pytest.mark.prefect, pytest.mark.usefixtures("prefect_server")]


def start(folder: Path, sandbox: Sandbox, api_url: str) -> subprocess.Popen[str]:
    """Start `batchwright run` in a pipe, always the same job on the same directory."""
    (folder / "in.csv").write_text("text\none\ntwo\nthree\n", encoding="utf-8")
    options = ["--model", "gpt-5-mini", "--prompt", "Say {{ text }}"]
    files = ["--output", "out.jsonl", "--run-dir", "run"]
    return subprocess.Popen(
        [sys.executable, "-m", "batchwright.cli", "run", "in.csv", *options, *files],
        cwd=folder,
        env={**os.environ, **sandbox.environment(), "PREFECT_API_URL": api_url},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_of_two_processes_one_works(
    sandbox: Sandbox, tmp_path: Path, prefect_server: str
) -> None:
    """Started at the same moment, one ends the run; the other says so and exits 1."""
    sandbox.set_faults({"durations": {"in_progress": 3600}})
    processes = [start(tmp_path, sandbox, prefect_server) for _ in range(2)]
    with ThreadPoolExecutor() as pool:
        ends = {pool.submit(process.wait, 60): process for process in processes}
        (first,), _ = wait(ends, 60, FIRST_COMPLETED)
        other = ends.pop(first)
        (worker,) = ends.values()
        assert worker.stderr is not None
        assert any("Created batch" in line for line in worker.stderr)
        sandbox.settle()
    said = other.communicate(timeout=30)[1]
    assert other.returncode == 1, said
    assert "Another process works on" in said
    assert "batchwright status" in said
    assert "Traceback" not in said
    said = worker.communicate(timeout=60)[1]
    assert worker.returncode == 0, said
    assert sandbox.created() == 1
    assert (tmp_path / "out.jsonl").read_bytes().count(b"\n") == 3


@pytest.mark.parametrize("signal_number", [signal.SIGINT, signal.SIGTERM])
def test_a_stopped_run_ends_within_two_seconds(
    signal_number: signal.Signals,
    sandbox: Sandbox,
    tmp_path: Path,
    prefect_server: str,
) -> None:
    """It cancels nothing, says how to go on, and exits 130."""
    sandbox.set_faults({"durations": {"in_progress": 3600}})
    process = start(tmp_path, sandbox, prefect_server)
    assert process.stderr is not None
    assert any("Created batch" in line for line in process.stderr)
    before = time.monotonic()
    process.send_signal(signal_number)
    said = process.communicate(timeout=30)[1]
    assert time.monotonic() - before < 2
    assert process.returncode == 130, said
    assert f"batchwright resume {tmp_path / 'run'}" in said
    assert "Traceback" not in said
    assert {batch.status for batch in sandbox.batches()} <= {
        "validating",
        "in_progress",
    }
    assert "cancel" not in {call.operation for call in sandbox.calls()}
