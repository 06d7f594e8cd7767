"""Writes `cli.md` from the help pages: `python docs/_generate_cli.py`."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

TARGET = Path(__file__).with_name("cli.md")
INTRODUCTION = """\
# The command line

These are the help pages of `batchwright`, one for each command. `python -m batchwright`
is the same program.

Data goes to standard output; progress and messages go to standard error. On a terminal
there are tables and progress bars, in a pipe plain text. `--json` prints one JSON
object a line. Times are UTC. A flag is off unless its page says otherwise.

| exit code | means |
|---|---|
| 0 | done |
| 1 | it failed; standard error says why in a sentence |
| 2 | wrong usage |
| 3 | done, but some rows did not succeed |
| 4 | not ready yet |
| 130 | interrupted |

`BATCHWRIGHT_DEBUG=1` before a command shows the traceback of an error. `NO_COLOR=1`
turns colours off. `batchwright --install-completion` completes commands in your shell.

## On a terminal

`list` refreshes its table until all batches in it have ended. Text that is too long for
the terminal is folded, and an ID or a path is cut in its middle: here at 140 columns
and at 80. In a pipe and with `--json` both are whole.

![`list` at 140 columns](img/list-140.svg)

![`list` at 80 columns](img/list-80.svg)

`run`, `resume`, `create-from-file` and `download-file` show progress bars, and `run`
ends with a summary.

![A run that waits for its batches](img/run-140.svg)

![A run that is done](img/summary-140.svg)
"""


_PAGES = """\
import typer.main
from typer.testing import CliRunner
from batchwright.cli import app

for command in (None, *typer.main.get_command(app).commands):
    typed = [command] if command else []
    done = CliRunner().invoke(app, [*typed, "--help"], prog_name="batchwright")
    lines = [line.rstrip() for line in done.stdout.strip().splitlines()]
    title = " ".join(("batchwright", *typed))
    print("", f"## `{title}`", "", "```text", *lines, "```", sep="\\n")
"""
"""A program that prints all pages; Typer reads the width when it is imported."""


def render() -> str:
    """Return the whole page; the width of help pages is fixed, colours are off."""
    fixed = {"TERMINAL_WIDTH": "96", "NO_COLOR": "1", "TERM": "dumb", "FORCE_COLOR": ""}
    pages = subprocess.run(
        [sys.executable, "-X", "utf8", "-c", _PAGES],
        env={**os.environ, **fixed},
        capture_output=True,
        encoding="utf-8",
        check=True,
    ).stdout
    return INTRODUCTION + pages


if __name__ == "__main__":
    TARGET.write_text(render(), encoding="utf-8", newline="\n")
