"""Tests of the commands about batches at a provider, for both of them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import Result

from batchwright.sandbox import Sandbox

Cli = Callable[..., Result]
Requests = Callable[..., Path]

BOTH = pytest.mark.parametrize("provider", ["openai", "anthropic"])
SLOW = {"durations": {"in_progress": 86_000}}
COLUMNS = ["Batch ID", "Created At", "Status", "Failed", "Completed", "Total"]


def create(cli: Cli, path: Path, provider: str) -> str:
    """Create a batch and return its ID."""
    done = cli("create-from-file", "--file-path", path, "--provider", provider)
    assert done.exit_code == 0, done.output
    return done.stdout.strip()


@BOTH
def test_the_four_documented_commands(
    cli: Cli, requests: Requests, sandbox: Sandbox, provider: str
) -> None:
    """A file becomes a batch, is listed, downloaded, and cancelled too late."""
    flags = ["--use-anthropic"] if provider == "anthropic" else []
    created = cli("create-from-file", "--file-path", requests(provider), *flags)
    batch_id = created.stdout.strip()
    assert "sandbox" in batch_id
    assert created.exit_code == 0
    sandbox.settle()

    listed = cli("list", *flags)
    lines = listed.stdout.splitlines()
    name = {"openai": "OpenAI", "anthropic": "Anthropic"}[provider]
    assert lines[0] == f"{name} Batch Jobs"
    assert lines[1].split() == " ".join(COLUMNS).split()
    assert lines[2].startswith(batch_id)
    assert lines[2].split()[-3:] == ["0", "3", "3"]

    downloaded = cli(
        *("download-file", "--batch-id", batch_id),
        *("--download-file-path", "results.jsonl", *flags),
    )
    assert downloaded.exit_code == 0
    assert downloaded.stdout == ""
    results = Path("results.jsonl").read_bytes().split(b"\n")
    ids = {json.loads(line)["custom_id"] for line in results if line}
    assert ids == {"row-000000000", "row-000000001", "row-000000002"}

    cancelled = cli("cancel", "--batch-id", batch_id, *flags)
    assert cancelled.exit_code == 0
    assert cancelled.stdout.split()[0] == batch_id


@BOTH
def test_a_running_batch_is_not_ready(
    cli: Cli, requests: Requests, sandbox: Sandbox, provider: str
) -> None:
    """`download-file` exits 4 and says how far it is; `cancel` stops it."""
    sandbox.set_faults(SLOW)
    batch_id = create(cli, requests(provider), provider)
    arguments = ["--batch-id", batch_id, "--provider", provider]
    done = cli("download-file", *arguments, "--download-file-path", "r.jsonl")
    assert done.exit_code == 4
    assert batch_id in done.stderr
    assert not Path("r.jsonl").exists()
    assert cli("cancel", *arguments).exit_code == 0
    sandbox.advance(60)
    sandbox.settle()
    done = cli("download-file", *arguments, "--download-file-path", "r.jsonl")
    assert done.exit_code == 0, done.output
    assert Path("r.jsonl").read_bytes().count(b"\n") == 3


@BOTH
def test_download_waits_when_asked(
    cli: Cli, requests: Requests, sandbox: Sandbox, provider: str
) -> None:
    """`--wait` ends with the results, however often it had to look."""
    sandbox.set_faults({"durations": {"in_progress": 0.3}})
    batch_id = create(cli, requests(provider), provider)
    done = cli(
        *("download-file", "--batch-id", batch_id, "--provider", provider),
        *("--download-file-path", "r.jsonl", "--wait"),
    )
    assert done.exit_code == 0, done.output
    assert Path("r.jsonl").read_bytes().count(b"\n") == 3


@pytest.mark.parametrize("end", ["expired", "cancelled"])
@BOTH
def test_every_request_has_its_line(
    cli: Cli, requests: Requests, sandbox: Sandbox, provider: str, end: str
) -> None:
    """What ran and what did not is in the file of a batch that did not finish."""
    sandbox.set_faults({"batches": [{"end": end, "ran": 0.5}]})
    batch_id = create(cli, requests(provider, 4), provider)
    sandbox.settle()
    done = cli(
        *("download-file", "--batch-id", batch_id, "--provider", provider),
        *("--download-file-path", "r.jsonl"),
    )
    assert done.exit_code == 0, done.output
    assert Path("r.jsonl").read_bytes().count(b"\n") == 4


def test_a_refused_batch_says_why(
    cli: Cli, requests: Requests, sandbox: Sandbox
) -> None:
    """`show` and `download-file` print the provider's errors with their lines."""
    fail = [{"code": "invalid_url", "message": "The URL differs.", "line": 2}]
    sandbox.set_faults({"batches": [{"fail": fail}]})
    batch_id = create(cli, requests("openai"), "openai")
    sandbox.settle()
    shown = cli("show", "--batch-id", batch_id)
    assert shown.exit_code == 0
    assert "line 2: The URL differs. (invalid_url)" in shown.stdout
    done = cli(
        *("download-file", "--batch-id", batch_id, "--download-file-path", "r.jsonl")
    )
    assert done.exit_code == 1
    assert "The URL differs." in done.stderr
    assert "2" in done.stderr


def test_odd_batches_hide_no_other(
    cli: Cli, requests: Requests, sandbox: Sandbox
) -> None:
    """Null counts, null metadata and an unknown status are shown like the rest."""
    sandbox.set_faults(
        {
            "batches": [
                {"nth": [1], "counts": "null", "metadata": "null"},
                {"nth": [2], "status": "dreaming", "durations": {"in_progress": 9e4}},
                {"nth": [3], "counts": "null_members", "expires_at": "null"},
            ]
        }
    )
    path = requests("openai")
    ids = [create(cli, path, "openai") for _ in range(4)]
    done = cli("list")
    rows = {line.split()[0]: line.split() for line in done.stdout.splitlines()[2:]}
    assert set(rows) == set(ids)
    assert rows[ids[0]][-3:] == ["-", "-", "-"]
    assert "dreaming" in rows[ids[1]]
    assert rows[ids[2]][-3:] == ["-", "-", "-"]


@BOTH
def test_list_pages_and_limits(
    cli: Cli, requests: Requests, sandbox: Sandbox, provider: str
) -> None:
    """`--limit` is the number of rows, newest first; `--json` is a line each."""
    path = requests(provider, 1)
    ids = [create(cli, path, provider) for _ in range(3)]
    done = cli("list", "--limit", 2, "--json", "--provider", provider)
    shown = [json.loads(line) for line in done.stdout.splitlines()]
    assert [batch["id"] for batch in shown] == ids[:0:-1]
    assert shown[0]["provider"] == provider
    assert shown[0]["counts"]["total"] in {0, 1}


def test_typed_again_names_the_earlier(cli: Cli, requests: Requests) -> None:
    """The same file again is a new batch, and the first is named beside it."""
    path = requests("openai")
    first = create(cli, path, "openai")
    done = cli("create-from-file", "--file-path", path, "--json", "--metadata", "a=b")
    batch = json.loads(done.stdout)
    assert batch["id"] != first
    assert batch["metadata"]["a"] == "b"
    assert first in done.stderr


def test_metadata_that_nobody_stores_is_said(cli: Cli, requests: Requests) -> None:
    """Anthropic's batches have none: the batch is made, and the loss is said."""
    path = requests("anthropic")
    command = ("create-from-file", "--file-path", path, "--use-anthropic")
    done = cli(*command, "--metadata", "a=b")
    assert done.exit_code == 0, done.output
    assert "--metadata is left out" in done.stderr
    assert "--metadata" not in cli(*command).stderr


def test_a_lost_answer_creates_nothing_twice(
    cli: Cli, requests: Requests, sandbox: Sandbox
) -> None:
    """The batch of a create call that lost its answer is found, not made again."""
    drop = {"operation": "create", "do": "drop", "after": True, "nth": [1]}
    sandbox.set_faults({"calls": [drop]})
    done = cli("create-from-file", "--file-path", requests("openai"))
    assert done.exit_code == 0, done.output
    assert sandbox.created() == 1


@pytest.fixture
def big(folder: Path) -> Path:
    """A request file with one request more than a batch holds."""
    body = {"model": "gpt-5-mini", "messages": [{"role": "user", "content": "x"}]}
    with Path("big.jsonl").open("w", encoding="utf-8") as file:
        for number in range(50_001):
            line = {
                "custom_id": f"r{number}",
                "method": "POST",
                "url": "/v1/chat/completions",
                "body": body,
            }
            file.write(json.dumps(line, separators=(",", ":")) + "\n")
    return folder / "big.jsonl"


def test_a_file_over_the_limits_is_split(cli: Cli, big: Path, sandbox: Sandbox) -> None:
    """`--split` makes as many batches as needed, and prints the ID of each."""
    refused = cli("create-from-file", "--file-path", big)
    assert refused.exit_code == 1
    assert "--split" in refused.stderr
    assert sandbox.created() == 0
    done = cli("create-from-file", "--file-path", big, "--split")
    assert done.exit_code == 0, done.output
    assert len(done.stdout.split()) == 2
    assert sandbox.created() == 2


def test_a_split_that_stopped_halfway_goes_on(
    cli: Cli, big: Path, sandbox: Sandbox
) -> None:
    """The batch that was made is named; typed again, only the other one is made."""
    refuse = {"operation": "create", "do": "status", "status": 400, "nth": [2]}
    sandbox.set_faults({"calls": [refuse]})
    arguments = ("create-from-file", "--file-path", big, "--split")
    stopped = cli(*arguments)
    assert stopped.exit_code == 1
    assert stopped.stdout.split() == [batch.id for batch in sandbox.batches()]
    sandbox.set_faults({})
    done = cli(*arguments)
    assert done.exit_code == 0, done.output
    assert len(done.stdout.split()) == 2
    assert "exists already" in done.stderr
    assert sandbox.created() == 2
    assert cli(*arguments).exit_code == 0
    assert sandbox.created() == 4


@pytest.mark.parametrize(
    "arguments",
    [
        ("list", "--use-anthropic", "--provider", "openai"),
        ("list", "--provider", "acme"),
        ("list", "--limit", "0"),
        ("list", "--poll", "0"),
        ("cancel",),
        ("cancel", "--batch-id", "a", "--run-dir", "b"),
        ("show",),
        ("create-from-file",),
        ("create-from-file", "--file-path", "x", "--metadata", "no-equals"),
        ("create-from-file", "--file-path", "x", "--metadata", "=v"),
        ("download-file", "--batch-id", "b"),
        ("generate", "x.csv"),
        ("generate", "x.csv", "--model", "m", "--param", "k=[", "--prompt", "p"),
        ("generate", "x.csv", "--model", "m", "--endpoint", "/v9", "--prompt", "p"),
        ("run", "x.csv", "--model", "m", "--output", "o.csv", "--max-tokens", "0"),
        ("run", "x.csv", "--model", "", "--output", "o.csv", "--prompt", "p"),
        ("nothing",),
    ],
)
def test_wrong_usage_is_exit_2(cli: Cli, arguments: tuple[str, ...]) -> None:
    """What cannot be meant is refused before anything is done."""
    done = cli(*arguments)
    assert done.exit_code == 2, done.output
    assert done.stdout == ""
    assert "Traceback" not in done.stderr
