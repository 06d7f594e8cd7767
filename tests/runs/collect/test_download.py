"""Tests of salvage: all that a batch holds is downloaded and accounted for."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from batchwright.data.job import BatchJob
from batchwright.errors import InputError
from batchwright.models import Outcome, RunReport
from batchwright.runs.directory.records import Verdict
from batchwright.runs.directory.run import Run
from batchwright.runs.drive import cancel_run, drive
from batchwright.runs.open import open_run, reopen_run
from batchwright.sandbox import Sandbox

MODELS = {"openai": "gpt-5-mini", "anthropic": "claude-sonnet-4-5"}
BOTH = pytest.mark.parametrize("provider", list(MODELS))


def job(folder: Path, rows: int, provider: str = "openai", **options: Any) -> BatchJob:
    """Return a job over so many rows."""
    lines = ["text", *(f"text {row}" for row in range(rows))]
    (folder / "in.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return BatchJob(
        input=str(folder / "in.csv"),
        output=str(folder / "out.jsonl"),
        prompt="Say something about {{ text }}",
        model=MODELS[provider],
        **options,
    )


def run(folder: Path, rows: int, provider: str = "openai", **options: Any) -> RunReport:
    """Run it to its end."""
    opened = open_run(job(folder, rows, provider, **options), str(folder / "run"))
    return drive(opened, wait=True)


def table(folder: Path) -> list[dict[str, Any]]:
    """Return the output."""
    lines = (folder / "out.jsonl").read_text("utf-8").splitlines()
    return [json.loads(line) for line in lines]


@BOTH
@pytest.mark.parametrize("end", ["expired", "cancelled"])
def test_a_batch_that_ended_early_lands_what_it_holds(
    provider: str, end: str, sandbox: Sandbox, tmp_path: Path
) -> None:
    """Without further rounds, what ran is there and the rest says why not."""
    sandbox.set_faults({"batches": [{"end": end, "ran": 0.5}]})
    report = run(tmp_path, 8, provider, max_rounds=0)
    assert report.outcomes == {Outcome.SUCCEEDED: 4, Outcome(end): 4}
    rows = table(tmp_path)
    assert [row["text"] for row in rows] == [f"text {row}" for row in range(8)]
    assert all(row["_error"] for row in rows if row["_outcome"] == end)


@BOTH
def test_a_line_that_cannot_be_decoded_is_not_bought_again(
    provider: str, sandbox: Sandbox, tmp_path: Path
) -> None:
    """Its bytes name the request: it was answered, so it is not missing."""
    sandbox.set_faults({"batches": [{"answers": [{"kind": "deep", "nth": [2]}]}]})
    report = run(tmp_path, 3, provider)
    assert report.outcomes == {Outcome.SUCCEEDED: 2, Outcome.INVALID: 1}
    assert sandbox.created() == 1
    assert report.cost_usd is None
    (row,) = [row for row in table(tmp_path) if row["_outcome"] == "invalid"]
    assert "nested too deeply" in row["_error"]


@BOTH
def test_expired_requests_are_sent_again(
    provider: str, sandbox: Sandbox, tmp_path: Path
) -> None:
    """The next round holds the rest only, and the table is complete."""
    sandbox.set_faults({"batches": [{"nth": [1], "end": "expired", "ran": 0.5}]})
    report = run(tmp_path, 8, provider)
    assert report.outcomes == {Outcome.SUCCEEDED: 8}
    assert [line.requests for line in report.batches] == [8, 4]


@BOTH
def test_a_batch_of_ours_without_an_answer_of_ours_is_not_bought_again(
    provider: str, sandbox: Sandbox, tmp_path: Path
) -> None:
    """What we created is ours, whatever its results say: they land and are counted."""
    sandbox.set_faults({"batches": [{"lines": {"foreign_id": {"nth": [1, 2, 3]}}}]})
    report = run(tmp_path, 3, provider, max_rounds=0)
    assert sandbox.created() == 1
    assert report.outcomes == {Outcome.MISSING: 3}
    assert (report.missing.count, report.foreign.count) == (3, 3)


@BOTH
def test_messy_results_are_reconciled(
    provider: str, sandbox: Sandbox, tmp_path: Path
) -> None:
    """Shuffled, doubled, foreign and missing lines: each row once, oddities counted."""
    lines = {
        "shuffle": True,
        "duplicate": {"nth": [1]},
        "missing": {"nth": [3, 4]},
        "foreign_id": {"nth": [6]},
        "crlf": True,
        "blank_lines": True,
        "bom": True,
    }
    sandbox.set_faults({"batches": [{"nth": [1], "lines": lines}]})
    report = run(tmp_path, 10, provider)
    assert report.outcomes == {Outcome.SUCCEEDED: 10}
    assert report.duplicate.count == 1
    assert report.foreign.count == 1
    assert len(report.foreign.first_ids) == 1
    assert report.rounds == 1


def test_lines_at_fault_are_named_and_the_others_sent_again(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    """One bad line refuses the whole file; the good ones go on without it."""
    error = {"code": "invalid_request", "message": "This one is bad.", "line": 2}
    sandbox.set_faults({"batches": [{"nth": [1], "fail": [error]}]})
    report = run(tmp_path, 4)
    assert report.outcomes == {Outcome.SUCCEEDED: 3, Outcome.ERRORED: 1}
    assert "This one is bad." in table(tmp_path)[1]["_error"]


@BOTH
def test_a_run_whose_rows_all_fail_is_complete(
    provider: str, sandbox: Sandbox, tmp_path: Path
) -> None:
    """Rows that fail for good are rows of the output with their error."""
    sandbox.set_faults({"batches": [{"answers": [{"status": 400, "message": "No."}]}]})
    report = run(tmp_path, 3, provider)
    assert report.outcomes == {Outcome.ERRORED: 3}
    assert sandbox.created() == 1
    assert all("No." in row["_error"] for row in table(tmp_path))


@BOTH
def test_gone_results_are_bought_again_only_on_request(
    provider: str, sandbox: Sandbox, tmp_path: Path
) -> None:
    """They land as missing; `--resend-lost` sends them once more."""
    sandbox.set_faults({"durations": {"in_progress": 3600}})
    run_dir = str(tmp_path / "run")
    drive(open_run(job(tmp_path, 3, provider), run_dir), wait=False)
    sandbox.settle()
    sandbox.advance(40 * 86_400)
    report = drive(reopen_run(run_dir), wait=True)
    assert report.outcomes == {Outcome.MISSING: 3}
    assert sandbox.created() == 1
    sandbox.set_faults({})
    report = drive(reopen_run(run_dir, resend_lost=True), wait=True)
    assert report.outcomes == {Outcome.SUCCEEDED: 3}
    assert sandbox.created() == 2
    with pytest.raises(InputError, match="drop --resend-lost"):
        reopen_run(run_dir, resend_lost=True)


def test_an_edited_response_model_loses_nothing(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    """Results are downloaded; parsing waits for a model that fits."""
    sandbox.set_faults({"durations": {"in_progress": 3600}})
    model = tmp_path / "label.py"
    model.write_text(
        "from pydantic import BaseModel\nclass A(BaseModel):\n    label: str\n", "utf-8"
    )
    run_dir = str(tmp_path / "run")
    given = job(tmp_path, 3, response_model=f"{model}:A")
    drive(open_run(given, run_dir), wait=False)
    model.unlink()
    sandbox.settle()
    with pytest.raises(InputError, match="label"):
        drive(reopen_run(run_dir), wait=True)
    (shard,) = Run.load(run_dir).state().shards.values()
    assert shard.last is not None
    assert shard.last.ended is not None
    assert shard.last.ended.verdict is Verdict.DOWNLOADED
    other = tmp_path / "other.py"
    other.write_text(
        "from pydantic import BaseModel\nclass B(BaseModel):\n    label: str\n", "utf-8"
    )
    again = reopen_run(run_dir, response_model=f"{other}:B")
    assert drive(again, wait=True).outcomes == {Outcome.SUCCEEDED: 3}
    assert sandbox.created() == 1


@BOTH
def test_a_cancelled_run_creates_nothing_more(
    provider: str, sandbox: Sandbox, tmp_path: Path
) -> None:
    """What ended is landed, the rest is cancelled, and no sweep sends anything."""
    sandbox.set_faults({"durations": {"in_progress": 3600}})
    run_dir = str(tmp_path / "run")
    given = job(tmp_path, 6, provider, max_requests_per_batch=2, max_in_flight=1)
    drive(open_run(given, run_dir), wait=False)
    cancel_run(run_dir)
    report = drive(reopen_run(run_dir), wait=True)
    assert report.state == "cancelled"
    assert sandbox.created() == 1
    assert Counter(row["_outcome"] for row in table(tmp_path))["cancelled"] >= 4
    sandbox.set_faults({})
    report = drive(reopen_run(run_dir, uncancel=True), wait=True)
    assert report.state == "done"
    assert sandbox.created() == 3
