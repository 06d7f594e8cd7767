"""Writes `cli.md` from the help pages: `python docs/_generate_cli.py`."""

from __future__ import annotations

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

COMMANDS = (
    "list",
    "create-from-file",
    "cancel",
    "download-file",
    "show",
    "validate",
    "generate",
    "parse",
    "run",
    "resume",
    "status",
    "runs",
    "sandbox",
    "doctor",
)
TARGET = Path(__file__).with_name("cli.md")
INTRODUCTION = """\
# The command line

These are the help pages of `batchwright`, one per command.

Data goes to standard output; progress and messages go to standard error. On a terminal
there are tables and bars, in a pipe plain text. `--json` prints one JSON object a line.
Times are UTC. A flag is off unless its page says otherwise.

| exit code | means |
|---|---|
| 0 | done |
| 1 | it failed; standard error says why in a sentence |
| 2 | wrong usage |
| 3 | done, but some rows did not succeed |
| 4 | not ready yet |
| 130 | interrupted |

`BATCHWRIGHT_DEBUG=1` before a command shows the traceback of a failure. `NO_COLOR=1`
leaves out colours. `batchwright --install-completion` completes commands in your shell.

## On a terminal

`list` follows the batches of an account until none of them runs any more. What does not
fit is folded: at 140 columns, and at 80.

![`list` at 140 columns](img/list-140.svg)

![`list` at 80 columns](img/list-80.svg)

`run`, `resume`, `create-from-file` and `download-file` show bars for what takes time,
and `run` ends with what came of it.

![A run that waits](img/run-140.svg)

![A run that is done](img/summary-140.svg)
"""


def page(*command: str) -> str:
    """Return one help page as Markdown; the width is fixed, colours are off."""
    shown = subprocess.run(
        [sys.executable, "-m", "batchwright.cli", *command, "--help"],
        env={
            **os.environ,
            "TERMINAL_WIDTH": "96",
            "NO_COLOR": "1",
            "TERM": "dumb",
            "FORCE_COLOR": "",
        },
        capture_output=True,
        encoding="utf-8",
        check=True,
    ).stdout
    text = "\n".join(line.rstrip() for line in shown.strip().splitlines())
    text = text.replace("python -m batchwright.cli", "batchwright")
    title = " ".join(("batchwright", *command))
    return f"\n## `{title}`\n\n```text\n{text}\n```\n"


def render() -> str:
    """Return the whole page."""
    with ThreadPoolExecutor(max_workers=2) as pool:
        pages = pool.map(
            lambda name: page(*name), [(), *((name,) for name in COMMANDS)]
        )
        return INTRODUCTION + "".join(pages)


if __name__ == "__main__":
    TARGET.write_text(render(), encoding="utf-8", newline="\n")
