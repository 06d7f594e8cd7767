"""Tests of `runs.lock`: one worker per run on one disk."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from batchwright.errors import RunBusyError
from batchwright.runs.directory.lock import locked
from batchwright.runs.directory.storage import Directory

_HOLD = """
import sys
from batchwright.runs.directory.lock import locked
from batchwright.runs.directory.storage import Directory
with locked(Directory(sys.argv[1])):
    print("paused", flush=True)
    sys.stdin.read()
"""


def test_a_second_worker_is_told_and_a_dead_one_forgotten(tmp_path: Path) -> None:
    """Another process has it until it ends, also by SIGKILL."""
    directory = Directory(str(tmp_path / "run"))
    with subprocess.Popen(
        [sys.executable, "-c", _HOLD, directory.url],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "paused\n"
        with (
            pytest.raises(RunBusyError, match=r"Another process works on .*/run"),
            locked(directory),
        ):
            pass
        holder.kill()
    with locked(directory):
        pass


def test_two_threads_of_one_process_are_two_workers(tmp_path: Path) -> None:
    """A sweep does not meddle with a run that its own process works on."""
    directory = Directory(str(tmp_path / "run"))
    with locked(directory), pytest.raises(RunBusyError), locked(directory):
        pass


def test_shared_storage_has_no_lock() -> None:
    """There the exclusive creation of records decides alone."""
    directory = Directory("memory://lock/run")
    with locked(directory), locked(directory):
        assert directory.names() == []
