"""Tests of the commands about runs, with Prefect and the sandbox at work."""

from __future__ import annotations

import csv
import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from batchwright.cli import app
from batchwright.data.job import BatchJob
from batchwright.runs.open import open_run
from batchwright.sandbox import Sandbox

Cli = Callable[..., Result]

EXAMPLES = Path(__file__).parents[3] / "examples"
ASK = (
    *("--prompt", "Classify: {{ email }}"),
    *("--response-model", f"{EXAMPLES}/email_model.py:Classification"),
)
RUN = ("run", EXAMPLES / "emails.csv", "--model", "gpt-5-mini", *ASK)

pytestmark = pytest.mark.prefect


@pytest.fixture(autouse=True)
def _server(prefect_server: str) -> None:
    pass


def test_a_table_in_a_typed_table_out(cli: Cli) -> None:
    """`run --sandbox` needs no key, says it is synthetic, and names its files."""
    no_keys: dict[str, str | None] = {"OPENAI_API_KEY": None, "OPENAI_BASE_URL": None}
    done = cli(*RUN, "--output", "out.csv", "--sandbox", env=no_keys)
    assert done.exit_code == 0, done.output
    with Path("out.csv").open(encoding="utf-8", newline="") as file:
        assert len(list(csv.DictReader(file))) == 12
    assert "succeeded  12" in done.stdout
    assert "report.md" in done.stdout
    assert "synthetic" in done.stderr
    assert "Created batch batch_sandbox" in done.stderr

    (run,) = Path("runs").iterdir()
    assert cli("status", run).exit_code == 0
    nothing = cli("runs", "elsewhere")
    assert (nothing.exit_code, nothing.stdout) == (0, "")
    assert nothing.stderr == "There are no runs in elsewhere.\n"
    listed = cli("runs")
    assert f"\n{run.name}  done" in listed.stdout
    assert cli("status", run.name).stdout == cli("status", run).stdout
    assert json.loads(cli("runs", "--json").stdout)["rows"] == 12

    again = cli(*RUN, "--output", "out.csv", "--sandbox", env=no_keys)
    assert again.exit_code == 0
    assert "succeeded  12" in again.stdout
    assert "report.md" in again.stderr
    assert "--run-dir" in again.stderr


def test_dates_in_names_are_filled_once(cli: Cli, sandbox: Sandbox) -> None:
    """The job is the same one later, with all that was given relative to the folder."""
    shutil.copy(EXAMPLES / "email_model.py", "model.py")
    given = (
        "--prompt",
        "Classify: {{ email }}",
        "--response-model",
        "model.py:Classification",
    )
    output = "out-{date:%H%M%S%f}.csv"
    arguments = ("run", EXAMPLES / "emails.csv", "--model", "gpt-5-mini", *given)
    done = cli(*arguments, "--output", output)
    assert done.exit_code == 0, done.output
    assert len(list(Path().glob("out-*.csv"))) == 1
    assert len(list(Path("runs").iterdir())) == 1


@pytest.mark.parametrize("model", ["gpt-5-mini", "claude-sonnet-4-5"])
def test_detach_and_resume(cli: Cli, sandbox: Sandbox, model: str) -> None:
    """`--no-wait` ends after submission; `resume` exits 4 until all is home."""
    sandbox.set_faults({"durations": {"in_progress": 3600}})
    arguments = ("run", EXAMPLES / "emails.csv", "--model", model, *ASK)
    done = cli(*arguments, "--output", "out.jsonl", "--no-wait", "--run-dir", "r")
    assert done.exit_code == 0, done.output
    assert "batchwright resume" in done.stderr
    assert cli("status", "r").exit_code == 4
    fresh = cli("status", "r", "--refresh", "--json")
    assert fresh.exit_code == 4
    (line,) = json.loads(fresh.stdout)["batches"]
    assert (line["provider_status"], line["answered"]) == ("in_progress", 0)
    assert cli("resume", "r", "--no-wait").exit_code == 4
    assert json.loads(cli("status", "r", "--json").stdout)["state"] == "open"
    sandbox.advance(7200)
    sandbox.settle()
    fresh = cli("status", "r", "--refresh")
    assert fresh.exit_code == 4
    assert re.search(r"(completed|ended) +12 +12 ", fresh.stdout)
    assert "Answered" not in cli("status", "r").stdout
    done = cli("resume", "r")
    assert done.exit_code == 0, done.output
    assert Path("out.jsonl").read_bytes().count(b"\n") == 12
    assert sandbox.created() == 1


def test_rows_that_fail_are_exit_3(cli: Cli, sandbox: Sandbox) -> None:
    """The run is done, its output whole, and the code says that some rows failed."""
    answers = [{"every": 4, "kind": "refusal"}]
    sandbox.set_faults({"batches": [{"answers": answers}]})
    few = ("--max-requests-per-batch", "4", "--max-in-flight", "1")
    done = cli(*RUN, "--output", "out.csv", "--run-dir", "r", "--json", *few)
    assert done.exit_code == 3, done.output
    waited = [line for line in done.stderr.splitlines() if line.startswith("Waiting")]
    assert waited
    assert all(line.endswith(" of 12") for line in waited)  # of the whole run
    report = json.loads(done.stdout)
    assert report["outcomes"]["refused"] == 3
    assert report["outcomes"]["succeeded"] == 9
    status = cli("status", "r")
    assert status.exit_code == 3
    assert "refused" in status.stdout


def test_failed_rows_are_retried(cli: Cli, sandbox: Sandbox) -> None:
    """`retry NAME` writes the same table, complete, and `run` says how to."""
    answers = [{"every": 4, "kind": "refusal"}]
    sandbox.set_faults({"batches": [{"nth": [1], "answers": answers}]})
    assert cli(*RUN, "--output", "out.csv").exit_code == 3
    (run,) = Path("runs").iterdir()
    again = cli(*RUN, "--output", "out.csv")
    assert again.exit_code == 3
    assert "batchwright retry" in again.stderr
    wrong = cli("retry", run.name, "--outcome", "odd")
    assert (wrong.exit_code, "'odd' is not one of" in wrong.stderr) == (2, True)
    wrong = cli("retry", run.name, "--mode", "odd")
    assert (wrong.exit_code, "--mode" in wrong.stderr) == (2, True)
    none = cli("retry", run.name, "--outcome", "expired,invalid")
    assert none.exit_code == 3
    assert "No row has the outcome expired or invalid" in none.stderr
    done = cli("retry", run.name, "--prompt", "Once more: {{ email }}", "--json")
    assert done.exit_code == 0, done.output
    assert "3 rows are asked again." in done.stderr
    assert json.loads(done.stdout)["outcomes"] == {"succeeded": 12}
    with Path("out.csv").open(encoding="utf-8", newline="") as file:
        rounds = [row["_round"] for row in csv.DictReader(file)]
    assert sorted(rounds) == ["0"] * 9 + ["1"] * 3
    done = cli("retry", run.name)
    assert done.exit_code == 0
    assert "Every row has a valid answer" in done.stderr
    assert sandbox.created() == 2


def test_a_cancelled_run(cli: Cli, sandbox: Sandbox) -> None:
    """`cancel --run-dir` stops its batches, given its name; nothing more is created."""
    sandbox.set_faults({"durations": {"in_progress": 3600}})
    done = cli(*RUN, "--output", "out.csv", "--no-wait", "--run-dir", "runs/r")
    assert done.exit_code == 0, done.output
    cancelled = cli("cancel", "--run-dir", "r")
    assert cancelled.exit_code == 0, cancelled.output
    sandbox.advance(60)
    sandbox.settle()
    done = cli("resume", "r")
    assert done.exit_code == 3, done.output
    assert sandbox.created() == 1


def test_a_missing_key_is_said_before_prefect_starts(cli: Cli) -> None:
    """One sentence with the variable to set."""
    no_key: dict[str, str | None] = {"OPENAI_API_KEY": None}
    done = cli(*RUN, "--output", "out.csv", env=no_key)
    assert done.exit_code == 1
    assert "OPENAI_API_KEY" in done.stderr
    assert "Prefect" not in done.stderr


def test_a_dry_run_sends_nothing(cli: Cli, sandbox: Sandbox) -> None:
    """Requests, bytes, batches, tokens, cost and three samples; no call, no file."""
    more = ("--output", "out.csv", "--dry-run", "--max-tokens", "50")
    done = cli(*RUN, *more, "--max-requests-per-batch", "5")
    assert done.exit_code == 0, done.output
    assert "Requests      12" in done.stdout
    assert "Batches       3" in done.stdout
    assert done.stdout.count("Prompt of ") == 3
    assert "row 2 (header is row 1)\n  user:\n    Classify" in done.stdout
    found = json.loads(cli(*RUN, *more, "--json").stdout)
    assert found["requests"] == 12
    assert found["batches"] == 1
    assert found["input_usd"] > 0
    assert found["most_output_usd"] > 0
    assert sandbox.calls() == []
    assert list(Path().iterdir()) == []


def test_an_unknown_price_is_unknown(cli: Cli) -> None:
    """A model without a price costs "unknown", never 0."""
    arguments = ("run", EXAMPLES / "emails.csv", "--model", "my-own-model", *ASK)
    done = cli(*arguments, "--output", "out.csv", "--dry-run")
    assert "Input cost    unknown" in done.stdout


def test_standard_input_is_the_same_job_again(
    cli: Cli, sandbox: Sandbox, folder: Path
) -> None:
    """The same rows on standard input continue the same run."""
    sandbox.set_faults({"durations": {"in_progress": 3600}})
    command = ["run", "-", "--model", "gpt-5-mini", "--prompt", "Say {{ text }}"]
    command += ["--output", "out.jsonl", "--no-wait"]
    for _ in range(2):
        done = CliRunner().invoke(
            app, command, input=b'{"text": "x"}\n', env=sandbox.environment()
        )
        assert done.exit_code == 0, done.output
    assert sandbox.created() == 1
    assert len(list((folder / "runs").iterdir())) == 1


def test_a_broken_run_hides_no_other(cli: Cli) -> None:
    """`runs` names it in a line of its own, also as JSON, and lists the others."""
    job = BatchJob(
        input=str(EXAMPLES / "emails.csv"),
        output="out.csv",
        model="gpt-5-mini",
        prompt="{{ email }}",
        sandbox=True,
    )
    newer = json.loads(open_run(job, "runs/good").job.model_dump_json()) | {"new": 1}
    for name, text in {"half": '{"job": {', "newer": json.dumps(newer)}.items():
        Path("runs", name).mkdir()
        Path("runs", name, "job.json").write_text(text, encoding="utf-8")
    listed = cli("runs")
    assert listed.exit_code == 0
    assert "\ngood  open" in listed.stdout
    half, new = listed.stderr.splitlines()
    assert "runs/half/job.json is damaged" in half
    assert "runs/newer/job.json is of a newer version" in new
    lines = [json.loads(line) for line in cli("runs", "--json").stdout.splitlines()]
    assert ["error" in line for line in lines] == [False, True, True]
