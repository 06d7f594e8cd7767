"""Tests of the commands about files, which need no key."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import Result

from batchwright.sandbox import Sandbox

Cli = Callable[..., Result]

EXAMPLES = Path(__file__).parents[3] / "examples"
MODEL = f"{EXAMPLES}/email_model.py:Classification"
ASK = ("--prompt", "Classify: {{ email }}", "--response-model", MODEL)
BOTH = pytest.mark.parametrize(
    ("provider", "model"),
    [("openai", "gpt-5-mini"), ("anthropic", "claude-sonnet-4-5")],
)


def generate(cli: Cli, model: str, *more: str) -> list[Path]:
    """Make request files of the example and return their paths."""
    done = cli("generate", EXAMPLES / "emails.csv", "--model", model, *ASK, *more)
    assert done.exit_code == 0, done.output
    return [Path(line) for line in done.stdout.splitlines()]


@BOTH
def test_from_table_to_table_by_hand(
    cli: Cli, sandbox: Sandbox, provider: str, model: str
) -> None:
    """generate, validate, create, download, parse: each takes what the last made."""
    (path,) = generate(cli, model)
    checked = cli("validate", "--file-path", path, "--provider", provider)
    assert checked.exit_code == 0
    assert "12 requests" in checked.stdout
    created = cli("create-from-file", "--file-path", path, "--provider", provider)
    sandbox.settle()
    downloaded = cli(
        *("download-file", "--batch-id", created.stdout.strip()),
        *("--provider", provider, "--download-file-path", "results.jsonl"),
    )
    assert downloaded.exit_code == 0, downloaded.output
    parsed = cli(
        *("parse", "--file-path", "results.jsonl", "--output", "labels.csv"),
        *("--response-model", MODEL),
    )
    assert parsed.exit_code == 0, parsed.output
    with Path("labels.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 12
    assert {row["label"] for row in rows} <= {"SPAM", "NOT_SPAM"}


def test_requests_over_a_limit_make_numbered_files(cli: Cli) -> None:
    """No file holds more than one batch may, and together they hold all."""
    paths = generate(cli, "gpt-5-mini", "--max-requests-per-batch", "5")
    assert [path.name for path in paths] == [
        f"requests-{number:05}.jsonl" for number in range(3)
    ]
    assert [path.read_bytes().count(b"\n") for path in paths] == [5, 5, 2]


def test_parameters_reach_the_request(cli: Cli) -> None:
    """`--param` values are JSON, and stand in the body as they are."""
    more = ("--param", "top_p=0.5", "--param", 'user="me"', "--max-tokens", "7")
    (path,) = generate(cli, "gpt-4o-mini", *more)
    body = json.loads(path.read_bytes().split(b"\n")[0])["body"]
    assert body["top_p"] == 0.5
    assert body["user"] == "me"
    assert 7 in body.values()


def test_generate_reads_standard_input(folder: Path, sandbox: Sandbox) -> None:
    """`-` is JSON lines on standard input."""
    from typer.testing import CliRunner

    from batchwright.cli import app

    done = CliRunner().invoke(
        app,
        ["generate", "-", "--model", "gpt-5-mini", "--prompt", "Say {{ text }}"],
        input=b'{"text": "one"}\n{"text": "two"}\n',
    )
    assert done.exit_code == 0, done.output
    lines = (folder / "requests.jsonl").read_bytes().splitlines()
    contents = [json.loads(line)["body"]["messages"][0]["content"] for line in lines]
    assert contents == ["Say one", "Say two"]


def test_what_is_found_out_about_an_input_is_said(cli: Cli, folder: Path) -> None:
    """The delimiter is said in one line, the encoding is an option."""
    (folder / "in.csv").write_bytes("id;email\n1;grün\n".encode("cp1252"))
    command = ("generate", "in.csv", "--model", "gpt-5-mini", "--prompt", "{{ email }}")
    wrong = cli(*command)
    assert wrong.exit_code == 1
    assert "in.csv line 2 character 5 is not UTF-8: byte 0xfc" in wrong.stderr
    assert "--encoding cp1252" in wrong.stderr
    right = cli(*command, "--encoding", "cp1252")
    assert right.exit_code == 0, right.output
    assert f"Note: The cells of {folder / 'in.csv'} are separated by semi" in (
        " ".join(right.stderr.split())
    )
    assert "grün" in (folder / "requests.jsonl").read_text(encoding="utf-8")
    unknown = cli(*command, "--encoding", "cp9999")
    assert unknown.exit_code == 2
    assert "no text encoding of Python" in " ".join(unknown.stderr.split())


def test_validate_counts_all_and_shows_twenty(cli: Cli, folder: Path) -> None:
    """A thousand problems are counted; the first twenty are shown with their lines."""
    (folder / "bad.jsonl").write_text("nonsense\n" * 1000, encoding="utf-8")
    done = cli("validate", "--file-path", "bad.jsonl")
    assert done.exit_code == 1
    assert "1,000" in done.stdout
    assert "line 20:" in done.stdout
    assert "line 21:" not in done.stdout
    (folder / "named.jsonl").write_text('{"custom_id": "mine"}\n', encoding="utf-8")
    named = cli("validate", "--file-path", "named.jsonl")
    assert "line 1 (mine):" in named.stdout
    as_json = json.loads(cli("validate", "--file-path", "bad.jsonl", "--json").stdout)
    assert as_json["problem_count"] == 1000


def test_parse_keeps_what_failed(cli: Cli, sandbox: Sandbox) -> None:
    """Exit 3 where a row did not succeed; `--only-failed` writes those alone."""
    answers = [{"nth": [2], "kind": "refusal"}, {"nth": [5], "status": 500}]
    sandbox.set_faults({"batches": [{"answers": answers}]})
    (path,) = generate(cli, "gpt-5-mini")
    created = cli("create-from-file", "--file-path", path)
    sandbox.settle()
    cli(
        *("download-file", "--batch-id", created.stdout.strip()),
        *("--download-file-path", "results.jsonl"),
    )
    arguments = ("parse", "--file-path", "results.jsonl", "--response-model", MODEL)
    done = cli(*arguments, "--output", "all.jsonl")
    assert done.exit_code == 3
    done = cli(*arguments, "--output", "failed.jsonl", "--only-failed")
    assert done.exit_code == 3
    failed = Path("failed.jsonl").read_text(encoding="utf-8").splitlines()
    outcomes = {json.loads(line)["_outcome"] for line in failed}
    assert len(failed) == 2
    assert outcomes == {"refused", "errored"}
    again = cli(*arguments, "--output", "failed.jsonl")
    assert again.exit_code == 1
    assert "--overwrite" in again.stderr


def test_parse_joins_results_to_their_rows(cli: Cli, sandbox: Sandbox) -> None:
    """With `--input` the table has the rows in their order, as that of a run has."""
    (path,) = generate(cli, "gpt-5-mini")
    created = cli("create-from-file", "--file-path", path)
    sandbox.settle()
    cli(
        *("download-file", "--batch-id", created.stdout.strip()),
        *("--download-file-path", "results.jsonl"),
    )
    lines = Path("results.jsonl").read_bytes().splitlines(keepends=True)
    Path("results.jsonl").write_bytes(b"".join(lines[:0:-1]))
    command = ("parse", "--file-path", "results.jsonl", "--output", "labels.csv")
    joined = ("--input", EXAMPLES / "emails.csv", "--response-model", MODEL)
    done = cli(*command, *joined)
    assert done.exit_code == 3, done.output
    assert "1 of these rows have no result." in done.stderr
    with Path("labels.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    with (EXAMPLES / "emails.csv").open(encoding="utf-8", newline="") as file:
        assert [row["email"] for row in rows] == [
            row["email"] for row in csv.DictReader(file)
        ]
    assert [row["_custom_id"] for row in rows] == [f"row-{n:09}" for n in range(12)]
    for wrong in (("--only-failed",), ("--encoding", "cp9999")):
        assert cli(*command, *joined, *wrong).exit_code == 2


def test_doctor_shows_no_key(cli: Cli) -> None:
    """It says which keys are set, and never what they are."""
    done = cli("doctor", env={"OPENAI_API_KEY": "secret-1", "ANTHROPIC_API_KEY": None})
    assert done.exit_code == 0
    facts = json.loads(cli("doctor", "--json").stdout)
    assert "secret-1" not in done.output
    assert "OPENAI_API_KEY" in facts
    assert "not set" in done.stdout


def test_doctor_shows_no_password(cli: Cli) -> None:
    """An address is shown without the user and the password in it."""
    url = "https://me:hunter2@prefect.example:4200/api"
    names = ("PREFECT_API_URL", "OPENAI_BASE_URL", "BATCHWRIGHT_RUNS_DIR")
    facts = json.loads(cli("doctor", "--json", env=dict.fromkeys(names, url)).stdout)
    shown = {facts[name] for name in names}
    assert shown == {"https://prefect.example:4200/api"}
