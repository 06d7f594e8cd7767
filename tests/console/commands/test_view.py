"""Tests of `view`: where the page is, and who opens it."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import Result

from batchwright.data.job import BatchJob
from batchwright.runs.drive import drive
from batchwright.runs.open import open_run
from batchwright.sandbox import Sandbox

from ..test_terminal import Terminal

Cli = Callable[..., Result]


@pytest.fixture
def page(sandbox: Sandbox, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Start a run whose batches take long; give the path of its page."""
    for name, value in sandbox.environment().items():
        monkeypatch.setenv(name, value)
    sandbox.set_faults({"durations": {"in_progress": 3600}})
    (folder / "in.csv").write_text("text\na\n", encoding="utf-8")
    job = BatchJob(
        input="in.csv", prompt="{{ text }}", model="gpt-5-mini", output="out.csv"
    )
    assert drive(open_run(job, "runs/one"), wait=False).state == "open"
    return folder / "runs" / "one" / "report.html"


def test_it_prints_the_path_of_the_page(cli: Cli, page: Path) -> None:
    """The page of an open run exists after the command; no run is one sentence."""
    for run in ("runs/one", "one"):
        page.unlink(missing_ok=True)
        done = cli("view", run)
        assert (done.exit_code, done.stdout, done.stderr) == (0, f"{page}\n", "")
    assert page.read_bytes().startswith(b"<!doctype html>")
    done = cli("view", "runs/two")
    assert done.exit_code == 1
    assert done.stderr.startswith("Error: There is no run in ")


def test_on_a_terminal_it_opens_a_browser(page: Path, tmp_path: Path) -> None:
    """It asks the system to open the page, unless told not to."""
    opened = tmp_path / "opened"
    os.mkfifo(opened)
    opener = tmp_path / "bin" / "xdg-open"
    opener.parent.mkdir()
    opener.write_text(f'#!/bin/sh\necho "$1" > {opened}\n', encoding="utf-8")
    opener.chmod(0o755)
    env = {"PATH": f"{opener.parent}:{os.environ['PATH']}", "COLUMNS": "200"}
    terminal = Terminal("view", "runs/one", env=env)
    assert opened.read_text(encoding="utf-8") == f"{page}\n"
    assert terminal.end() == 0
    opener.write_text("#!/bin/sh\necho opened\n", encoding="utf-8")
    terminal = Terminal("view", "runs/one", "--no-open", env=env)
    assert terminal.end() == 0
    assert terminal.text.split() == [str(page)]
