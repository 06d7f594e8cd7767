"""Tests of `try`, which asks a few rows at once, and of `--limit`."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from typer.testing import Result

from batchwright.data.job import BatchJob
from batchwright.data.prices import price
from batchwright.models import Usage
from batchwright.runs.drive import drive
from batchwright.runs.open import open_run
from batchwright.sandbox import Sandbox

Cli = Callable[..., Result]

MODEL = f"{Path(__file__).parents[3]}/examples/email_model.py:Classification"
OPTIONS = ("--model", "gpt-5-mini", "--prompt", "Classify: {{ email }}")
TRY = ("try", "in.csv", *OPTIONS)
HOSTILE = "\x1b]0;title\x07 \x9b2J \u202eabc [red]x[/red]"


@pytest.fixture(autouse=True)
def _rows(folder: Path) -> None:
    rows = "".join(f"email {number}\n" for number in range(12))
    (folder / "in.csv").write_text(f"email\n{rows}", encoding="utf-8")


def asked(sandbox: Sandbox) -> int:
    """Return the requests that were asked in realtime."""
    return sum(call.operation == "ask" for call in sandbox.calls())


def test_a_few_rows_are_asked_at_once(cli: Cli, sandbox: Sandbox) -> None:
    """Prompt, answer, tokens, and the cost of all rows are shown; nothing is kept."""
    done = cli(*TRY, "--rows", "3", "--response-model", MODEL)
    assert done.exit_code == 0, done.output
    assert "in.csv row 4 (header is row 1)" in done.stdout
    assert "in.csv row 5" not in done.stdout
    assert "    Classify: email 2\n" in done.stdout
    assert "    reason: synthetic reason\n" in done.stdout
    assert "tokens in, " in done.stdout
    assert "succeeded  3" in done.stdout
    assert "All 12 rows  about $0.0" in done.stdout
    assert (asked(sandbox), sandbox.created()) == (3, 0)
    assert [*map(str, Path().iterdir())] == ["in.csv"]


def test_it_needs_no_key_in_a_sandbox_of_its_own(cli: Cli, sandbox: Sandbox) -> None:
    """As `run --sandbox`, with faults from a file."""
    Path("faults.yaml").write_text("answers: [{nth: [1, 2], kind: refusal}]", "utf-8")
    nobody: dict[str, str | None] = {"OPENAI_API_KEY": None, "OPENAI_BASE_URL": None}
    options = ("--sandbox", "--faults", "faults.yaml", "--rows", "2")
    done = cli(*TRY, *options, env=nobody)
    assert done.exit_code == 3, done.output
    assert done.stdout.count("refused: I'm sorry") == 2
    assert "Cost         nothing; at the list price $0.0" in done.stdout
    assert "The answers are synthetic" in done.stderr
    assert asked(sandbox) == 0


def test_so_many_are_asked_at_the_same_time(cli: Cli, sandbox: Sandbox) -> None:
    """Where one is asked after the other, hardly any follows one that is refused."""
    refused = {"operation": "ask", "do": "status", "status": 401, "every": 1}
    sandbox.set_faults({"calls": [refused]})
    done = cli(*TRY, "--rows", "8", "--realtime-concurrency", "1")
    assert done.exit_code == 1, done.output
    assert 1 <= asked(sandbox) < 8


@pytest.mark.parametrize("suffix", ["csv", "jsonl", "parquet"])
def test_the_table_is_the_one_of_a_run(
    suffix: str,
    cli: Cli,
    sandbox: Sandbox,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """`--json` and `--output` have the columns that a run writes, in its formats."""
    for name, value in sandbox.environment().items():
        monkeypatch.setenv(name, value)
    job = BatchJob(
        input="in.csv",
        prompt="Classify: {{ email }}",
        model="gpt-5-mini",
        response_model=MODEL,
        limit=2,
        output=f"run.{suffix}",
    )
    drive(open_run(job, "run"), wait=True)
    options = ("--response-model", MODEL, "--rows", "5", "--limit", "2", "--json")
    done = cli(*TRY, *options, "--output", f"try.{suffix}")
    assert done.exit_code == 0, done.output
    assert f"Wrote 2 rows to {folder}/try.{suffix}." in done.stderr
    ran, tried = read(Path(f"run.{suffix}")), read(Path(f"try.{suffix}"))
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert (
        [[*row] for row in lines]
        == [[*row] for row in ran]
        == [[*row] for row in tried]
    )
    for name in ("email", "_outcome", "_error"):
        assert [row[name] for row in tried] == [row[name] for row in ran]
    for row in lines:
        usage = Usage(row["_input_tokens"], row["_output_tokens"])
        batch_usd = price("openai", "gpt-5-mini", usage)
        assert row["_cost_usd"] == pytest.approx(2 * (batch_usd or 0))
    again = cli(*TRY, "--output", f"try.{suffix}")
    assert (again.exit_code, asked(sandbox)) == (1, 2)
    assert "exists; name another --output" in again.stderr


def read(path: Path) -> list[dict[str, Any]]:
    """Return the rows of a table."""
    if path.suffix == ".parquet":
        return pq.read_table(path).to_pylist()
    with path.open(encoding="utf-8", newline="") as file:
        if path.suffix == ".jsonl":
            return [*map(json.loads, file)]
        return [*csv.DictReader(file)]


@pytest.mark.parametrize(
    ("faults", "sentence"),
    [
        (
            {"calls": [{"operation": "ask", "do": "status", "status": 401}]},
            "(401)",
        ),
        ({"models": ["gpt-4o"]}, "The model `gpt-5-mini` does not exist"),
        (
            {
                "calls": [
                    {
                        "operation": "ask",
                        "do": "status",
                        "status": 429,
                        "message": "Slow down.",
                        "should_retry": False,
                    }
                ]
            },
            "Slow down.",
        ),
    ],
    ids=["key", "model", "rate"],
)
def test_what_the_provider_refuses_is_one_sentence(
    faults: dict[str, Any], sentence: str, cli: Cli, sandbox: Sandbox
) -> None:
    """A bad key, an unknown model or too many requests end it, with exit code 1."""
    sandbox.set_faults(faults)
    done = cli(*TRY, "--output", "out.csv")
    assert done.exit_code == 1
    assert sentence in done.stderr
    assert done.stderr.count("Error: ") == 1
    assert "Traceback" not in done.output
    assert done.stdout == ""
    assert not Path("out.csv").exists()


def test_what_was_answered_is_shown_before_the_error(
    cli: Cli, sandbox: Sandbox
) -> None:
    """After a failure nothing more is asked, and no table is written."""
    refused = {"operation": "ask", "nth": [1], "do": "status", "status": 401}
    sandbox.set_faults({"calls": [refused]})
    done = cli(*TRY, "--rows", "3", "--json", "--output", "out.csv")
    assert done.exit_code == 1, done.output
    shown = [json.loads(line) for line in done.stdout.splitlines()]
    assert [row["_outcome"] for row in shown] == ["succeeded"] * len(shown)
    assert len(shown) < 3
    assert "/out.csv was not written.\nError: " in done.stderr
    assert not Path("out.csv").exists()


def test_text_of_others_is_made_visible(cli: Cli) -> None:
    """Neither a prompt nor an answer that repeats it controls the terminal."""
    Path("in.csv").write_text(f'email\n"{HOSTILE}"\n', encoding="utf-8")
    shown = cli(*TRY).stdout
    assert shown.count("\\x1b]0;title\\x07") == 2
    assert not {"\x1b", "\x07", "\x9b", "\u202e"} & {*shown}


def test_a_later_row_that_cannot_be_sent_is_said(cli: Cli) -> None:
    """The first rows are answered all the same; their cost for all is not guessed."""
    with Path("in.csv").open("a", encoding="utf-8") as file:
        file.write("one,too many\n")
    done = cli(*TRY, "--rows", "2")
    assert done.exit_code == 0, done.output
    assert "succeeded  2" in done.stdout
    assert "as a batch" not in done.stdout
    assert "Note: a run of all rows would fail: " in done.stderr
    assert "row 14" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ((*TRY, "--faults", "x.yaml"), "Add --sandbox"),
        ((*TRY, "--rows", "0"), "--rows"),
        ((*TRY, "--limit", "0"), "--limit"),
    ],
    ids=["faults", "rows", "limit"],
)
def test_wrong_usage_is_exit_2(
    arguments: tuple[str, ...], sentence: str, cli: Cli
) -> None:
    """An option that cannot be followed is named."""
    done = cli(*arguments)
    assert done.exit_code == 2
    assert sentence in done.stderr


@pytest.mark.parametrize(
    ("name", "lines"),
    [
        ("in.csv", ["email", "a", "b", "c", "never,read"]),
        ("in.jsonl", ['{"email": 1}', '{"email": 2}', '{"email": 3}', "never read"]),
    ],
)
@pytest.mark.parametrize("limit", [1, 2, 3])
def test_a_limit_takes_the_first_rows_alone(
    name: str, lines: list[str], limit: int, cli: Cli, sandbox: Sandbox
) -> None:
    """In request files, in a dry run and in `try`; what follows is not even checked."""
    Path(name).write_text("\n".join(lines) + "\n", encoding="utf-8")
    options = (name, *OPTIONS, "--limit", str(limit))
    made = cli("generate", *options)
    assert made.exit_code == 0, made.output
    assert len(Path("requests.jsonl").read_bytes().splitlines()) == limit
    previewed = cli("run", *options, "--output", "out.csv", "--dry-run", "--json")
    assert json.loads(previewed.stdout)["requests"] == limit
    assert cli("try", *options).exit_code == 0
    assert asked(sandbox) == limit
