"""Tests of the embedded server, which a flow brings along where Prefect has none."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from batchwright.sandbox import Sandbox

pytestmark = pytest.mark.prefect

SCRIPT = """
import sys
from prefect.settings import get_current_settings
from batchwright import BatchJob, run_batch

job = BatchJob(input="rows.csv", prompt="Say something about {{ text }}",
               model="gpt-5-mini", output="out.csv")
assert run_batch(job).ok
other = job.model_copy(update={"output": "other.csv"})
assert run_batch.with_options(retries=1)(other).ok
print(get_current_settings().server.ephemeral.startup_timeout_seconds)
assert "prefect.server.api.server" not in sys.modules
"""
TIMEOUT = "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS"


def test_a_script_has_one_server_for_all_its_flows(
    sandbox: Sandbox, tmp_path: Path, migrated: Path
) -> None:
    """They are in Prefect's history with all their tasks, and nothing stays behind."""
    home = tmp_path / "prefect"
    home.mkdir()
    shutil.copy(migrated, home / "prefect.db")
    (tmp_path / "rows.csv").write_text("text\none\ntwo\n", encoding="utf-8")
    environment = {**os.environ, "PREFECT_HOME": str(home)}
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT],
        cwd=tmp_path,
        env={k: v for k, v in environment.items() if k != TIMEOUT},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == "300\n"
    assert "http://" not in done.stderr  # of pages that this server does not have
    with closing(sqlite3.connect(home / "prefect.db")) as database:
        runs = database.execute("SELECT id, state_type FROM flow_run").fetchall()
        tasks = database.execute("SELECT flow_run_id, state_type FROM task_run")
        ended = sorted(tasks.fetchall())
    assert [state for _, state in runs] == ["COMPLETED"] * 2
    steps = ["generate", "submit", "wait", "download", "parse", "write-output"]
    assert ended == sorted((run, "COMPLETED") for run, _ in runs for _ in steps)
