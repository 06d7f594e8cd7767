"""Tests of what goes wrong: a code, one clear sentence, and nothing half-written."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import Result

from batchwright.sandbox import Sandbox

Cli = Callable[..., Result]
Requests = Callable[..., Path]

DEAD = "http://127.0.0.1:9/v1"
CREATE = ("create-from-file", "--file-path", "requests.jsonl")
VALIDATE = ("validate", "--file-path", "requests.jsonl")
DOWNLOAD = ("download-file", "--batch-id", "ID", "--download-file-path", "out.jsonl")
SHOW = ("show", "--batch-id", "ID")
CANCEL = ("cancel", "--batch-id", "ID")
GENERATE = ("generate", "rows.csv", "--model", "gpt-5-mini", "--prompt", "{{ text }}")
PARSE = ("parse", "--file-path", "results.jsonl", "--output", "out.csv")
RUN = ("run", *GENERATE[1:], "--output", "out.csv")

RESULT = {
    "custom_id": "a",
    "response": {"status_code": 200, "request_id": "r", "body": {"choices": []}},
    "error": None,
}
RESPONSES = {"model": "gpt-5-mini", "input": "x"}
WITH_KEY = [("list",), CREATE, CANCEL, DOWNLOAD, SHOW]


def line(custom_id: str = "a", **changes: Any) -> dict[str, Any]:
    """Return a good OpenAI request, with changes."""
    message = {"role": "user", "content": "x"}
    good = {
        "custom_id": custom_id,
        "method": "POST",
        "url": "/v1/chat/completions",
        "body": {"model": "gpt-5-mini", "messages": [message]},
    }
    return good | changes


def write(name: str, *lines: Any) -> None:
    """Write JSON lines."""
    text = "".join(json.dumps(each) + "\n" for each in lines)
    Path(name).write_text(text, encoding="utf-8")


def assert_failed(done: Result, folder: Path, *said: str) -> None:
    """One sentence with these words, exit 1, and no file that was not there."""
    assert done.exit_code == 1, done.output
    assert done.stdout == ""
    assert done.stderr.startswith("Error: ")
    assert "Traceback" not in done.stderr
    for words in said:
        assert words in done.stderr
    names = {path.name for path in folder.iterdir()}
    assert names <= {"requests.jsonl", "requests.jsonl.batch", "rows.csv", "taken"}


@pytest.fixture(autouse=True)
def _inputs(folder: Path) -> None:
    write("requests.jsonl", line())
    Path("rows.csv").write_text("text\nhello\n", encoding="utf-8")


@pytest.mark.parametrize("command", WITH_KEY)
@pytest.mark.parametrize("vendor", ["OPENAI", "ANTHROPIC"])
def test_missing_key(
    cli: Cli, folder: Path, command: tuple[str, ...], vendor: str
) -> None:
    """The variable to set is named, and the way to try without one."""
    key = f"{vendor}_API_KEY"
    done = cli(*command, "--provider", vendor.lower(), env={key: None})
    assert_failed(done, folder, key, "--sandbox")


def test_a_run_without_a_key_leaves_nothing(cli: Cli, folder: Path) -> None:
    """The key is asked for before the run is opened, so `runs` lists none."""
    done = cli(*RUN, env={"OPENAI_API_KEY": None})
    assert_failed(done, folder, "OPENAI_API_KEY", "--sandbox")
    assert cli("runs", "--json").stdout == ""


@pytest.mark.parametrize("command", WITH_KEY)
def test_wrong_key(cli: Cli, folder: Path, command: tuple[str, ...]) -> None:
    """It is said that the key is wrong, and the key itself is not repeated."""
    wrong = "sk-proj-thiskeyisnoone"
    done = cli(*command, env={"OPENAI_API_KEY": wrong})
    assert_failed(done, folder)
    assert wrong not in done.output


@pytest.mark.parametrize("command", WITH_KEY)
def test_unreachable_host(cli: Cli, folder: Path, command: tuple[str, ...]) -> None:
    """The address that gave no answer is named."""
    done = cli(*command, env={"OPENAI_BASE_URL": DEAD})
    assert_failed(done, folder, DEAD)


@pytest.mark.parametrize("command", WITH_KEY)
def test_a_password_in_an_address(
    cli: Cli, folder: Path, command: tuple[str, ...]
) -> None:
    """It is refused, and kept nowhere: neither in a message nor in a file."""
    url = DEAD.replace("://", "://me:hunter2@")
    done = cli(*command, env={"OPENAI_BASE_URL": url})
    assert_failed(done, folder, DEAD, "password", "API key")
    assert "hunter2" not in done.output
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert not [path for path in files if b"hunter2" in path.read_bytes()]


@pytest.mark.parametrize("command", [CANCEL, DOWNLOAD, SHOW, (*DOWNLOAD, "--wait")])
@pytest.mark.parametrize("provider", ["openai", "anthropic"])
def test_unknown_id(
    cli: Cli, folder: Path, command: tuple[str, ...], provider: str
) -> None:
    """The ID that the provider does not know is named."""
    done = cli(*command, "--provider", provider)
    assert_failed(done, folder, "'ID'")


READING = pytest.mark.parametrize(
    ("command", "name"),
    [
        (CREATE, "requests.jsonl"),
        (VALIDATE, "requests.jsonl"),
        (GENERATE, "rows.csv"),
        (RUN, "rows.csv"),
        ((*RUN, "--dry-run"), "rows.csv"),
        (PARSE, "results.jsonl"),
    ],
)


@pytest.mark.parametrize("make", ["missing", "folder"])
@READING
def test_a_file_that_cannot_be_read(
    cli: Cli, folder: Path, command: tuple[str, ...], name: str, make: str
) -> None:
    """Missing, or a folder: the file is named."""
    path = Path(name)
    path.unlink(missing_ok=True)
    if make == "folder":
        path.mkdir()
    done = cli(*command)
    if make == "folder":
        path.rmdir()
    assert_failed(done, folder, name)


Unprivileged = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def unprivileged(
    folder: Path, sandbox: Sandbox, program: Callable[..., str]
) -> Unprivileged:
    """Run a command as somebody whom permissions stop; they do not stop root."""
    command = [sys.executable, "-m", "batchwright.cli"]
    if os.geteuid() == 0:
        dropped = "-dac_override,-dac_read_search"
        options = ["--bounding-set", dropped, "--inh-caps", dropped]
        command = [program("setpriv", package="util-linux"), *options, *command]

    def run(*args: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*command, *args],
            env={**os.environ, **sandbox.environment()},
            capture_output=True,
            text=True,
            check=False,
        )

    return run


@READING
def test_a_file_that_may_not_be_read(
    unprivileged: Unprivileged, folder: Path, command: tuple[str, ...], name: str
) -> None:
    """The file is named, and nothing is written."""
    Path(name).unlink(missing_ok=True)
    Path(name).touch(mode=0o000)
    before = set(folder.iterdir())
    done = unprivileged(*command)
    assert done.returncode == 1, done.stderr
    assert done.stdout == ""
    assert done.stderr.startswith("Error: ")
    assert done.stderr.count("\n") == 1
    assert name in done.stderr
    assert "ermission" in done.stderr
    assert set(folder.iterdir()) == before


@pytest.mark.parametrize(
    "command",
    [
        (*GENERATE, "--output", "locked/o.jsonl"),
        (*RUN, "--run-dir", "locked/r"),
        (*PARSE[:-1], "locked/o.csv"),
        (*DOWNLOAD[:-1], "locked/o.jsonl"),
        ("sandbox", "--port", "0", "--state-dir", "locked/state"),
    ],
)
def test_a_folder_that_may_not_be_written(
    cli: Cli, unprivileged: Unprivileged, requests: Requests, command: tuple[str, ...]
) -> None:
    """The folder is named, and nothing is in it."""
    created = cli("create-from-file", "--file-path", requests("openai"))
    locked = Path("locked")
    locked.mkdir(mode=0o500)
    write("results.jsonl", RESULT)
    batch_id = created.stdout.strip()
    done = unprivileged(*(batch_id if arg == "ID" else arg for arg in command))
    assert done.returncode == 1, done.stderr
    assert done.stderr.startswith("Error: ")
    assert done.stderr.count("\n") == 1
    assert "locked" in done.stderr
    assert "ermission" in done.stderr
    assert list(locked.iterdir()) == []


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ([], ["no requests"]),
        ([line(), "text"], ["line 2"]),
        (
            [line(), line("b", url="/v1/responses", body=RESPONSES)],
            ["line 2", "/v1/responses"],
        ),
        ([line("same"), line("b"), line("same")], ["line 3", "'same'", "line 1"]),
        ([line(method="GET")], ["line 1", "method"]),
        ([line(custom_id=None)], ["line 1", "custom_id"]),
        ([{"custom_id": "a", "params": {}}], ["line 1", "--provider anthropic"]),
    ],
)
def test_a_file_that_would_be_refused(
    cli: Cli, folder: Path, sandbox: Sandbox, lines: list[Any], said: list[str]
) -> None:
    """`create-from-file` says what `validate` says, and sends nothing."""
    write("requests.jsonl", *lines)
    assert_failed(cli(*CREATE), folder, *said)
    assert sandbox.calls() == []
    checked = cli(*VALIDATE)
    assert checked.exit_code == 1
    for words in said:
        assert words in checked.stdout


def test_the_wrong_providers_lines(cli: Cli) -> None:
    """OpenAI's requests given to Anthropic are recognised."""
    done = cli(*VALIDATE, "--use-anthropic")
    assert done.exit_code == 1
    assert "use --provider openai" in done.stdout


def test_bytes_that_are_no_json(cli: Cli, folder: Path) -> None:
    """A binary file is refused line by line, not with a traceback."""
    Path("requests.jsonl").write_bytes(b"\xff\xfe\x00\n{\n")
    assert_failed(cli(*CREATE), folder, "line 1", "line 2")


@pytest.mark.parametrize("command", [(*GENERATE, "--output", "taken"), RUN])
def test_an_output_that_is_no_file_name(
    cli: Cli, folder: Path, command: tuple[str, ...]
) -> None:
    """An output without a known ending, or one that exists, is refused."""
    Path("taken").mkdir()
    if "run" in command:
        Path("out.csv").write_text("mine", encoding="utf-8")
    done = cli(*command)
    assert done.exit_code == 1
    assert "--overwrite" in done.stderr or "must end in" in done.stderr
    if "run" in command:
        assert Path("out.csv").read_text(encoding="utf-8") == "mine"


@pytest.mark.parametrize("target", ["taken", "taken/file/x.jsonl"])
def test_a_download_that_cannot_be_written(
    cli: Cli, requests: Requests, sandbox: Sandbox, target: str
) -> None:
    """The path is named, and nothing is left in its folder."""
    Path("taken").mkdir()
    Path("taken/file").touch()
    created = cli("create-from-file", "--file-path", requests("openai"))
    sandbox.settle()
    done = cli(
        *("download-file", "--batch-id", created.stdout.strip()),
        *("--download-file-path", target),
    )
    assert done.exit_code == 1, done.output
    assert "taken" in done.stderr
    assert "Traceback" not in done.stderr
    assert [path.name for path in Path("taken").iterdir()] == ["file"]


def test_a_download_that_is_cut_leaves_nothing(
    cli: Cli, requests: Requests, sandbox: Sandbox
) -> None:
    """Half a result file never appears under the name that was asked for."""
    created = cli("create-from-file", "--file-path", requests("openai"))
    sandbox.settle()
    sandbox.set_faults({"calls": [{"operation": "download", "do": "cut"}]})
    before = set(Path().iterdir())
    done = cli(
        *("download-file", "--batch-id", created.stdout.strip()),
        *("--download-file-path", "out.jsonl"),
    )
    assert done.exit_code == 1, done.output
    assert set(Path().iterdir()) == before


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a full device")
def test_a_full_disk() -> None:
    """Standard output that takes nothing more is a failure with a sentence."""
    with Path("/dev/full").open("w", encoding="utf-8") as full:
        done = subprocess.run(
            [sys.executable, "-m", "batchwright.cli", "doctor"],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert done.returncode == 1
    assert done.stderr == (
        "Error: The disk is full; free some space, then repeat the command.\n"
    )


@pytest.mark.parametrize("command", ["status", "resume"])
def test_no_run_there(cli: Cli, folder: Path, command: str) -> None:
    """A folder without a run is named, with the command that lists runs."""
    assert_failed(cli(command, "taken"), folder, "taken", "batchwright runs")


def test_a_wrong_variable_is_named(cli: Cli, folder: Path) -> None:
    """What is wrong in the environment is said as it stands there."""
    done = subprocess.run(
        [sys.executable, "-m", "batchwright.cli", "runs"],
        env={**os.environ, "BATCHWRIGHT_POLL_SECONDS": "soon"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "BATCHWRIGHT_POLL_SECONDS=soon" in done.stderr
    assert "Traceback" not in done.stderr


def test_debug_shows_the_traceback(cli: Cli) -> None:
    """`BATCHWRIGHT_DEBUG=1` lets the error through."""
    done = cli("show", "--batch-id", "x", env={"BATCHWRIGHT_DEBUG": "1"})
    assert "UnknownBatchError" in repr(done.exception)
