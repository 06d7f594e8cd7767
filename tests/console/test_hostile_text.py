"""Text of others is shown, and controls no terminal: on a terminal and in a pipe."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from batchwright.errors import InputError, RejectedError, visible, visible_line
from batchwright.sandbox import Sandbox

from .test_terminal import Terminal

HOSTILE = (
    "\x1b]0;title\x07\x1b]52;c;eA==\x1b\\\x9b2J\x1b[8m\x1b[31m\x08\x85\x7f\u202eabc\u2066"
    "\u200b\U000e0041[red]x[/red][link=x]y[/link]"
)
"""Sets the title and the clipboard, clears the screen, hides and reorders."""

RAW = ["\x1b]", "\x9b", "\x1b[8m", "\x07", "\x08", "\x85", "\x7f", "\u202e", "\u2066"]
RAW += ["\u200b", "\U000e0041"]
"""What must not arrive; Rich itself writes colours and moves the cursor."""

COMMAND = [sys.executable, "-m", "batchwright.cli"]


def check(shown: str) -> None:
    """Check that the text arrived, and nothing of it as a command."""
    for each in RAW:
        assert each not in shown, repr(shown)
    assert "]0;title" in shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain é 😀 👨‍👩‍👧 نص", "plain é 😀 👨‍👩‍👧 نص"),
        ("\x1b[31m", "\\x1b[31m"),
        ("\x9b2J\x00", "\\x9b2J\\x00"),
        ("a\rb\x08", "a\\rb\\x08"),
        ("\u202egpj.exe", "\\u202egpj.exe"),
        ("\ud800", "\\ud800"),
        ("two\n\tlines", "two\n\tlines"),
    ],
)
def test_what_controls_a_terminal_becomes_text(text: str, shown: str) -> None:
    """Escapes are those of Python; every other character stays, and nothing grows."""
    assert visible(text) == shown
    assert visible(shown) == shown
    assert visible_line(text) == shown.replace("\n", "\\n").replace("\t", "\\t")


@pytest.mark.parametrize("error", [InputError(HOSTILE), RejectedError(HOSTILE, 400)])
def test_an_error_controls_no_terminal(error: Exception) -> None:
    """This holds wherever it is shown: in a traceback, a log, a Prefect state."""
    check(str(error))


class _Provider(ThreadingHTTPServer):
    """A provider whose every text is hostile."""

    daemon_threads = True


class _Handler(BaseHTTPRequestHandler):
    def log_message(self, *_: Any) -> None:
        pass

    def do_GET(self) -> None:
        text = f"{HOSTILE}\nStatus completed"
        batch = {
            "id": text,
            "status": "completed",
            "endpoint": text,
            "metadata": {text: text},
            "input_file_id": text,
            "output_file_id": text,
            "errors": {"data": [{"code": text, "message": text, "line": 1}]},
        }
        body: dict[str, Any] = batch
        if "?" in self.path:
            body = {"data": [batch, batch | {"status": text}], "has_more": False}
        if self.path.endswith("/refused"):
            body = {"error": {"message": text, "code": text}}
        data = json.dumps(body).encode()
        self.send_response(400 if self.path.endswith("/refused") else 200)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


@pytest.fixture(scope="module")
def provider() -> Iterator[dict[str, str]]:
    """Return the environment for a hostile provider."""
    server = _Provider(("127.0.0.1", 0), _Handler)
    Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}).start()
    url = f"http://127.0.0.1:{server.server_port}"
    yield {"OPENAI_API_KEY": "key", "OPENAI_BASE_URL": url}
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize(
    "command",
    [
        ["list"],
        ["show", "--batch-id", "one"],
        ["cancel", "--batch-id", "one"],
        ["show", "--batch-id", "refused"],
    ],
    ids=["list", "show", "cancel", "error"],
)
@pytest.mark.parametrize("is_terminal", [False, True], ids=["pipe", "terminal"])
def test_a_provider_controls_no_terminal(
    command: list[str], provider: dict[str, str], *, is_terminal: bool
) -> None:
    """IDs, statuses, metadata and errors are shown as text, and no line is forged."""
    # The unknown status counts as in progress, so the table would be watched.
    if is_terminal and command != ["list"]:
        terminal = Terminal(*command, env=provider | {"COLUMNS": "200"})
        terminal.end()
        shown = terminal.text
    else:
        done = subprocess.run(
            [*COMMAND, *command],
            env=os.environ | provider,
            capture_output=True,
            check=False,
        )
        shown = (done.stdout + done.stderr).decode()
    check(shown)
    assert not any(line.startswith("Status completed") for line in shown.splitlines())


def test_a_table_that_is_watched_is_no_way_in(provider: dict[str, str]) -> None:
    """The same holds for the table that `list` draws again and again."""
    terminal = Terminal("list", env=provider | {"COLUMNS": "200"})
    terminal.read_until("]0;title")
    terminal.interrupt()
    terminal.end()
    check(terminal.text)


@pytest.mark.prefect
@pytest.mark.parametrize(
    "is_terminal",
    [False, pytest.param(True, marks=pytest.mark.long)],
    ids=["pipe", "terminal"],
)
def test_a_run_controls_no_terminal(
    sandbox: Sandbox,
    folder: Path,
    prefect_server: str,
    *,
    is_terminal: bool,
) -> None:
    """Names of columns and files, rows, refusals and API errors are shown as text."""
    name = HOSTILE.replace("/", "")
    cell = HOSTILE.replace('"', "")
    rows = f'"{name}",text\n"{cell}",a\n"{cell}",b\n'
    (folder / f"{name}.csv").write_text(rows, "utf-8")
    failed = {"status": 400, "message": f"{HOSTILE} <b>|`[a](http://a.b)\nx"}
    call = {"operation": "create", "status": 503, "nth": [1], "do": "status"}
    sandbox.set_faults(
        {
            "calls": [call | {"message": HOSTILE, "after": False}],
            "batches": [{"answers": [failed]}],
        }
    )
    command = ["run", f"{name}.csv", "--model", "gpt-5-mini", "--prompt", "{{ text }}"]
    command += ["--output", f"out-{name}.jsonl", "--run-dir", f"run-{name}"]
    environment = sandbox.environment() | {"PREFECT_API_URL": prefect_server}
    environment["COLUMNS"] = "300"
    if is_terminal:
        terminal = Terminal(*command, env=environment)
        assert terminal.end() == 3
        shown = terminal.text
    else:
        done = subprocess.run(
            [*COMMAND, *command],
            env=os.environ | environment,
            capture_output=True,
            check=False,
        )
        shown = (done.stdout + done.stderr).decode()
        assert done.returncode == 3, shown
    check(shown)
    report = (folder / f"run-{name}" / "report.md").read_text("utf-8")
    check(report)
    assert "\\<b\\>" in report
    assert "[a]" not in report
    rows = (folder / f"out-{name}.jsonl").read_bytes().splitlines()
    assert [json.loads(row)[name] for row in rows] == [cell, cell]
    assert HOSTILE in json.loads(rows[0])["_error"]


@pytest.mark.parametrize(
    "command",
    [
        ["status", HOSTILE],
        ["validate", "--file-path", f"{HOSTILE}.jsonl"],
        ["run", f"{HOSTILE}.csv", "--model", "m", "--prompt", "x", "--output", "a.csv"],
        ["runs", HOSTILE],
        ["list", HOSTILE],
        [HOSTILE],
    ],
)
def test_a_name_controls_no_terminal(
    command: list[str], cli: Callable[..., Any]
) -> None:
    """A file name that a message repeats is shown as text, in wrong usage too."""
    check(cli(*command).stderr)
