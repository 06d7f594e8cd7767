"""Tests of what a terminal, a pipe and a locale make of the output."""

from __future__ import annotations

import os
import pty
import select
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pyte
import pytest
from typer.testing import CliRunner

from batchwright.cli import app
from batchwright.sandbox import Sandbox

Requests = Callable[..., Path]

_CLEAR = "\x1b[2J"
_DRAWN_ANEW = "\x1b[2K"

BATCHWRIGHT = [sys.executable, "-m", "batchwright.cli"]


class Terminal:
    """A command on a terminal of its own."""

    def __init__(self, *args: str, env: dict[str, str]) -> None:
        self._main, child = pty.openpty()
        self.process = subprocess.Popen(
            [*BATCHWRIGHT, *args],
            stdin=child,
            stdout=child,
            stderr=child,
            env={**os.environ, "TERM": "xterm-256color", "COLUMNS": "80", **env},
            start_new_session=True,
        )
        os.close(child)
        self.text = ""

    def read_until(self, words: str | None, seconds: float = 30) -> str:
        """Read until `words` were shown, or (None) the command has ended."""
        deadline = time.monotonic() + seconds
        while words is None or words not in self.text:
            left = deadline - time.monotonic()
            assert left > 0, f"{words!r} is not in {self.text!r}"
            if not select.select([self._main], [], [], left)[0]:
                continue
            try:
                data = os.read(self._main, 65536)
            except OSError:  # how Linux says that the other side is closed
                data = b""
            if not data:
                assert words is None or words in self.text, self.text
                break
            self.text += data.decode("utf-8", "replace")
        return self.text

    def interrupt(self) -> None:
        """Type Ctrl-C: the terminal shows it, and the signal reaches all processes."""
        os.write(self._main, b"\x03")
        self.read_until("^C")
        os.killpg(self.process.pid, signal.SIGINT)

    def lines(self) -> list[str]:
        """Return what a person sees."""
        screen = pyte.Screen(80, 60)
        pyte.Stream(screen).feed(self.text)
        return [line.rstrip() for line in screen.display if line.strip()]

    def end(self) -> int:
        """Return the exit code."""
        self.read_until(None)
        os.close(self._main)
        return self.process.wait(timeout=30)


def piped(
    sandbox: Sandbox, *args: str | Path, **env: str
) -> subprocess.CompletedProcess[bytes]:
    """Run a command in a pipe."""
    return subprocess.run(
        [*BATCHWRIGHT, *map(str, args)],
        env={**os.environ, **sandbox.environment(), **env},
        capture_output=True,
        check=False,
    )


def create(sandbox: Sandbox, path: Path) -> str:
    """Create a batch and return its ID."""
    arguments = ["create-from-file", "--file-path", str(path)]
    done = CliRunner().invoke(app, arguments, env=sandbox.environment())
    assert done.exit_code == 0, done.output
    return done.stdout.strip()


def test_list_follows_until_nothing_runs(sandbox: Sandbox, requests: Requests) -> None:
    """On a terminal the table is drawn anew, also for another size, until the end."""
    sandbox.set_faults({"durations": {"in_progress": 3600}})
    create(sandbox, requests("openai"))
    terminal = Terminal("list", "--poll", "1", env=sandbox.environment())
    terminal.read_until("in_progress")
    os.killpg(terminal.process.pid, signal.SIGWINCH)
    terminal.read_until(_CLEAR)
    sandbox.advance(7200)
    assert terminal.end() == 0
    assert "completed" in terminal.text
    assert "\x1b[?1049h" not in terminal.text


def test_list_on_the_alternate_screen(sandbox: Sandbox, requests: Requests) -> None:
    """`--screen` leaves the alternate screen, and the last table on the normal one."""
    sandbox.set_faults({"durations": {"in_progress": 3600}})
    create(sandbox, requests("openai"))
    terminal = Terminal("list", "--screen", "--poll", "1", env=sandbox.environment())
    terminal.read_until("in_progress")
    sandbox.advance(7200)
    assert terminal.end() == 0
    after = terminal.text.rpartition("\x1b[?1049l")
    assert after[1]
    assert "completed" in after[2]


def test_an_interrupt_is_clean(sandbox: Sandbox, requests: Requests) -> None:
    """Ctrl-C ends `list` with 130, the cursor back, and no traceback."""
    sandbox.set_faults({"durations": {"in_progress": 3600}})
    create(sandbox, requests("openai"))
    terminal = Terminal("list", env=sandbox.environment())
    terminal.read_until(_DRAWN_ANEW)
    terminal.interrupt()
    assert terminal.end() == 130
    assert "Traceback" not in terminal.text
    shown = "\n".join(terminal.lines())
    assert shown.count("OpenAI Batch Jobs") == shown.count("in_progress") == 1
    assert terminal.text.rfind("\x1b[?25h") > terminal.text.rfind("\x1b[?25l")


def test_an_interrupted_run_ends_soon(
    sandbox: Sandbox, folder: Path, requests: Requests, migrated: Path
) -> None:
    """Ctrl-C also ends Prefect's local server; the run still ends, and goes on later.

    The signal reaches the whole process group, as a terminal sends it.
    """
    requests("openai")
    sandbox.set_faults({"durations": {"in_progress": 3600}})
    home = folder / "prefect"
    home.mkdir()
    shutil.copy(migrated, home / "prefect.db")
    arguments = ["run", "rows.csv", "--model", "gpt-5-mini", "--prompt", "{{ text }}"]
    terminal = Terminal(
        *(*arguments, "--output", "out.csv", "--run-dir", "r"),
        env={**sandbox.environment(), "PREFECT_HOME": str(home)},
    )
    terminal.read_until("Waiting for answers", seconds=120)
    begun, terminal.text = terminal.text, ""
    terminal.read_until("Waiting for answers")  # once more: it is not just drawing
    terminal.text = begun + terminal.text
    terminal.interrupt()
    before = time.monotonic()
    assert terminal.end() == 130
    assert time.monotonic() - before < 10
    assert "batchwright resume" in terminal.text
    assert "Traceback" not in terminal.text
    assert terminal.text.rfind("\x1b[?25h") > terminal.text.rfind("\x1b[?25l")
    seen = "".join(terminal.lines())
    assert seen.endswith(f"continue with  batchwright resume {folder}/r")
    assert "Waiting for answers" not in seen
    assert piped(sandbox, "status", "r").returncode == 4
    assert sandbox.created() == 1


def test_a_look_that_fails_is_repeated(sandbox: Sandbox, requests: Requests) -> None:
    """A provider that stumbles between two looks does not end `list`."""
    sandbox.set_faults({"durations": {"in_progress": 3600}})
    create(sandbox, requests("openai"))
    terminal = Terminal("list", "--poll", "1", env=sandbox.environment())
    terminal.read_until("in_progress")
    fault = {"operation": "list", "do": "status", "status": 503, "first": 3}
    sandbox.set_faults({"calls": [fault]})
    sandbox.advance(7200)
    assert terminal.end() == 0, terminal.text
    assert "completed" in terminal.text


def test_a_list_of_ended_batches_ends_at_once(
    sandbox: Sandbox, requests: Requests
) -> None:
    """Nothing runs, so the table is shown once, however long `--poll` is."""
    create(sandbox, requests("openai"))
    sandbox.settle()
    terminal = Terminal("list", "--poll", "9999", env=sandbox.environment())
    assert terminal.end() == 0
    assert "OpenAI Batch Jobs" in terminal.text
    assert "┏" in terminal.text


@pytest.mark.parametrize("locale", ["C", "POSIX", "en_US.ISO-8859-1"])
def test_utf_8_whatever_the_locale(sandbox: Sandbox, folder: Path, locale: str) -> None:
    """Text that no Latin locale can show goes through unharmed."""
    Path("łąki.csv").write_text("text\nżółć\n", encoding="utf-8")
    arguments = ["generate", "łąki.csv", "--model", "gpt-5-mini"]
    arguments += ["--prompt", "Powiedz {{ text }}", "--output", "prośby.jsonl"]
    done = piped(sandbox, *arguments, LC_ALL=locale)
    assert done.returncode == 0, done.stderr
    assert done.stdout.decode().strip().endswith("prośby.jsonl")
    assert "Powiedz żółć" in Path("prośby.jsonl").read_text(encoding="utf-8")


def test_no_color(sandbox: Sandbox, requests: Requests) -> None:
    """`NO_COLOR` leaves no colour in a terminal, a pipe has none anyway."""
    create(sandbox, requests("openai"))
    sandbox.settle()
    coloured = Terminal("list", env=sandbox.environment())
    plain = Terminal("list", env={**sandbox.environment(), "NO_COLOR": "1"})
    assert coloured.end() == plain.end() == 0
    assert "\x1b[32m" in coloured.text
    assert "\x1b[32m" not in plain.text
    assert b"\x1b" not in piped(sandbox, "list").stdout


def test_a_reader_that_has_seen_enough(sandbox: Sandbox, folder: Path) -> None:
    """`| head -1` is no failure."""
    with subprocess.Popen(
        [*BATCHWRIGHT, "doctor"], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        said = process.stderr.read()
    assert b"Traceback" not in said
    assert b"Error" not in said
