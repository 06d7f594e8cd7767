"""Tests of stopping `run`: whatever it does and whatever Prefect does, it ends soon."""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import pytest

from batchwright.console.exits import signals_handled
from batchwright.sandbox import Sandbox

SIGNALS = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP]

SLOW_MODEL = """\
import threading
from pathlib import Path
from pydantic import BaseModel, field_validator

class Slow(BaseModel):
    word: str

    @field_validator("word")
    @classmethod
    def wait(cls, word: str) -> str:
        Path("parsing").touch()
        threading.Event().wait(60)
        return word
"""


@dataclass
class Command:
    """A `batchwright run` in a process group of its own, that owns its server."""

    process: subprocess.Popen[str]
    folder: Path
    sandbox: Sandbox
    said: str = ""

    def read_until(self, words: str) -> None:
        """Read what it prints until `words` are in it."""
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self.said += line
            if words in line:
                return
        pytest.fail(self.said)

    def wait_for(self, true: Callable[[], bool]) -> None:
        """Wait until something can be seen from outside."""
        deadline = time.monotonic() + 120
        while not true():
            assert self.process.poll() is None, self.rest()
            assert time.monotonic() < deadline
            time.sleep(0.01)

    def server(self) -> int | None:
        """Return the process of Prefect's server."""
        listed = ["ps", "-A", "-ww", "-o", "pid=,ppid=,args="]
        lines = subprocess.run(listed, capture_output=True, text=True, check=True)
        for line in lines.stdout.splitlines():
            pid, parent, command = line.split(None, 2)
            if int(parent) == self.process.pid and "create_app" in command:
                return int(pid)
        return None

    def rest(self) -> str:
        """Return all it has printed, once no process is left that could print more."""
        self.said += self.process.communicate(timeout=60)[1]
        return self.said


Start = Callable[..., Command]


@pytest.fixture
def start(sandbox: Sandbox, folder: Path, migrated: Path) -> Iterator[Start]:
    """Start `batchwright run` with a server of its own, whose database is migrated."""
    home = folder / "prefect"
    home.mkdir()
    shutil.copy(migrated, home / "prefect.db")
    started: list[Command] = []

    def start(*options: str, rows: int = 3, **variables: str) -> Command:
        lines = "".join(f"{number}\n" for number in range(rows))
        (folder / "in.csv").write_text(f"text\n{lines}", encoding="utf-8")
        command = [sys.executable, "-m", "batchwright.cli", "run", "in.csv"]
        command += ["--model", "gpt-5-mini", "--prompt", "{{ text }}", *options]
        variables = {**sandbox.environment(), "PREFECT_HOME": str(home), **variables}
        process = subprocess.Popen(
            [*command, "--output", "out.csv", "--run-dir", "r"],
            env={**os.environ, **variables},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        started.append(Command(process, folder, sandbox))
        return started[-1]

    yield start
    for command in started:
        command.process.kill()
        command.process.communicate()


def starting(start: Start) -> Command:
    """A command whose server has just been started."""
    command = start()
    command.wait_for(lambda: command.server() is not None)
    return command


def generating(start: Start) -> Command:
    """A command that makes requests."""
    command = start(rows=500_000)
    folders = command.folder.glob
    command.wait_for(lambda: any(each.is_dir() for each in folders("r/.tmp-*")))
    return command


def uploading(start: Start) -> Command:
    """A command whose upload is not answered."""
    return calling(start, "upload")


def waiting(start: Start) -> Command:
    """A command whose batch takes an hour."""
    command = start()
    command.sandbox.set_faults({"durations": {"in_progress": 3600}})
    command.read_until("Waiting for answers")
    return command


def downloading(start: Start) -> Command:
    """A command whose download is not answered."""
    return calling(start, "download")


def calling(start: Start, operation: str) -> Command:
    """A command that is in a call to the provider."""
    command = start()
    stall = {"operation": operation, "do": "stall", "seconds": 60}
    command.sandbox.set_faults({"calls": [stall]})
    command.wait_for(
        lambda: operation in {call.operation for call in command.sandbox.calls()}
    )
    return command


def writing(start: Start) -> Command:
    """A command that joins answers to rows, in the code of a user's model."""
    Path("slow.py").write_text(SLOW_MODEL, encoding="utf-8")
    command = start("--response-model", "slow.py:Slow")
    command.wait_for(Path("parsing").exists)
    return command


PHASES = [starting, generating, uploading, waiting, downloading, writing]
QUICK = [
    (signal.SIGHUP, "group", "alive", starting),
    (signal.SIGTERM, "process", "dead", waiting),
]
ALL = [*product(SIGNALS, ["process", "group"], ["alive", "stopped", "dead"], PHASES)]


@pytest.mark.parametrize(
    ("number", "target", "server", "phase"),
    [
        *QUICK,
        *(
            pytest.param(*case, marks=pytest.mark.long)
            for case in ALL
            if case not in QUICK
        ),
    ],
)
def test_a_signal_ends_it_within_two_seconds(
    number: signal.Signals,
    target: str,
    server: str,
    phase: Callable[[Start], Command],
    start: Start,
    record_property: Callable[[str, object], None],
) -> None:
    """With 130, the hint and no process left: in any phase, however Prefect fares."""
    command = phase(start)
    embedded = command.server()
    assert embedded is not None
    if server != "alive":
        os.kill(embedded, signal.SIGSTOP if server == "stopped" else signal.SIGKILL)
    kill = os.killpg if target == "group" else os.kill
    before = time.monotonic()
    kill(command.process.pid, number)
    said = command.rest()
    seconds = time.monotonic() - before
    record_property("seconds", round(seconds, 2))
    assert command.process.returncode == 130, said
    assert f"continue with\n  batchwright resume {command.folder}/r" in said
    assert "Traceback" not in said
    assert "Error" not in said
    assert seconds < 2, said
    assert not (command.folder / "out.csv").exists()
    assert "cancel" not in {call.operation for call in command.sandbox.calls()}


def test_a_killed_command_leaves_no_server(start: Start) -> None:
    """Even SIGKILL: the server notices that its command is gone."""
    command = waiting(start)
    os.kill(command.process.pid, signal.SIGKILL)
    assert "Traceback" not in command.rest()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_any_command_takes_a_signal_as_ctrl_c(
    number: signal.Signals, sandbox: Sandbox
) -> None:
    """It ends with 130 and prints no traceback."""
    environment = {**os.environ, **sandbox.environment()}
    command = [sys.executable, "-m", "batchwright.cli"]
    sandbox.set_faults({"calls": [{"operation": "list", "do": "stall", "seconds": 60}]})
    with subprocess.Popen(
        [*command, "list"], env=environment, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stderr is not None
        while not sandbox.calls():
            assert process.poll() is None
            time.sleep(0.01)
        process.send_signal(number)
        assert process.stderr.read() == ""
        assert process.wait() == 130


def test_a_signal_that_was_ignored_stays_ignored() -> None:
    """So `nohup batchwright run` goes on when its terminal is closed."""
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with signals_handled(lambda *_: pytest.fail("handled")):
            os.kill(os.getpid(), signal.SIGHUP)
            assert signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL
        assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
    finally:
        signal.signal(signal.SIGHUP, before)


def test_a_server_that_does_not_answer_is_named(start: Start) -> None:
    """In one sentence, without the password in its address; the run can be resumed."""
    command = start(PREFECT_API_URL="http://me:hunter2@127.0.0.1:9/api")
    said = command.rest()
    assert command.process.returncode == 1, said
    assert "Connecting to Prefect at http://127.0.0.1:9/api\n" in said
    assert "Error: Prefect's server cannot be reached" in said
    assert f"batchwright resume {command.folder}/r" in said
    assert "hunter2" not in said
    assert "Traceback" not in said


def of_a_newer_prefect(home: Path) -> str:
    """Make a database that a newer version has migrated."""
    with closing(sqlite3.connect(home / "prefect.db")) as database, database:
        database.execute("UPDATE alembic_version SET version_num = 'feedc0de1234'")
    return "a newer Prefect has migrated its database"


def no_folder(home: Path) -> str:
    """Put a file where the folder should be."""
    shutil.rmtree(home)
    home.touch()
    return "Error"


@pytest.mark.parametrize(
    "spoil", [of_a_newer_prefect, pytest.param(no_folder, marks=pytest.mark.long)]
)
def test_a_server_that_does_not_start_says_why(
    spoil: Callable[[Path], str], start: Start, folder: Path
) -> None:
    """At once, in one sentence with the way out; the run can be resumed."""
    why = spoil(folder / "prefect")
    command = start()
    said = command.rest()
    assert command.process.returncode == 1, said
    assert "Error: Prefect's local server did not start: " in said
    assert why in said
    assert f"Its folder is {folder}/prefect; set PREFECT_HOME to another one" in said
    assert "or PREFECT_API_URL to a server that runs" in said
    assert f"batchwright resume {folder}/r" in said
    assert "Traceback" not in said


@pytest.mark.long
def test_a_run_goes_on_without_its_server(start: Start) -> None:
    """Prefect cannot show the end of it any more, which a note says."""
    command = start(PREFECT_CLIENT_MAX_RETRIES="1")
    command.sandbox.set_faults({"durations": {"in_progress": 3600}})
    command.read_until("Created batch")
    embedded = command.server()
    assert embedded is not None
    os.kill(embedded, signal.SIGKILL)
    command.sandbox.settle()
    said = command.rest()
    assert command.process.returncode == 0, said
    assert "Note: Prefect's server does not answer any more" in said
    assert len((command.folder / "out.csv").read_text("utf-8").splitlines()) == 4
