"""Tests of what a flow prints: nothing that would worry a person."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from batchwright.sandbox import Sandbox

pytestmark = pytest.mark.prefect

SCRIPT = """
from batchwright import BatchJob, run_batch

job = BatchJob(input="rows.csv", prompt="Say something about {{ text }}",
               model="gpt-5-mini", output="out.csv")
assert run_batch(job).ok
"""
FAREWELL = "EventsWorker - Still processing items"
"""Prefect's own, of any flow on a busy machine: it ends once its events are sent."""


def test_a_flow_prints_no_warning(
    prefect_server: str, sandbox: Sandbox, tmp_path: Path
) -> None:
    """A script that runs a job says what Prefect says, and all of that is `INFO`."""
    (tmp_path / "rows.csv").write_text("text\none\ntwo\n", encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-W", "default", "-c", SCRIPT],
        cwd=tmp_path,
        env={
            # A test of the command line may have quietened Prefect.
            **{k: v for k, v in os.environ.items() if "_LOGGING_" not in k},
            "PREFECT_API_URL": prefect_server,
        },
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    said = [line for line in done.stderr.splitlines() if FAREWELL not in line]
    assert said
    assert [line for line in said if "| INFO " not in line] == []
    assert done.stdout == ""
