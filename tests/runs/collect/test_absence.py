"""Tests of absence: results that the provider does not show are not given up."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import openai
import pytest

from batchwright.data.job import BatchJob
from batchwright.errors import InputError
from batchwright.models import Outcome, RunReport
from batchwright.runs.directory.run import Run
from batchwright.runs.drive import drive
from batchwright.runs.open import open_run, reopen_run
from batchwright.sandbox import Sandbox

MODELS = {"openai": "gpt-5-mini", "anthropic": "claude-sonnet-4-5"}
BOTH = pytest.mark.parametrize("provider", list(MODELS))
NOT_FOUND = {"do": "status", "status": 404}


def run(folder: Path, rows: int, provider: str) -> RunReport:
    """Run a job over so many rows to its end."""
    lines = ["text", *(f"text {row}" for row in range(rows))]
    (folder / "in.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    job = BatchJob(
        input=str(folder / "in.csv"),
        output=str(folder / "out.jsonl"),
        prompt="Say something about {{ text }}",
        model=MODELS[provider],
    )
    return drive(open_run(job, str(folder / "run")), wait=True)


def outcomes(folder: Path) -> list[str]:
    """Return the outcome of each row of the output."""
    lines = (folder / "out.jsonl").read_text("utf-8").splitlines()
    return [json.loads(line)["_outcome"] for line in lines]


@BOTH
@pytest.mark.parametrize(
    "fault",
    [
        {"operation": "download", **NOT_FOUND, "nth": [1, 2]},
        {"operation": "retrieve", **NOT_FOUND, "nth": [1, 2]},
        {"operation": "retrieve", "do": "no_results", "nth": [1, 2]},
    ],
    ids=["no results", "no batch", "no names"],
)
def test_results_that_are_shown_later_are_not_lost(
    fault: dict[str, Any], provider: str, sandbox: Sandbox, tmp_path: Path
) -> None:
    """One 404 or two, and files that get their names late, cost nothing."""
    sandbox.set_faults({"calls": [fault]})
    assert run(tmp_path, 3, provider).outcomes == {Outcome.SUCCEEDED: 3}
    assert sandbox.created() == 1


@BOTH
@pytest.mark.parametrize("operation", ["download", "retrieve"])
def test_what_is_given_up_is_looked_for_again(
    operation: str, provider: str, sandbox: Sandbox, tmp_path: Path
) -> None:
    """The cost of lost results is unknown; `resume` finds what is shown again."""
    sandbox.set_faults({"calls": [{"operation": operation, **NOT_FOUND}]})
    report = run(tmp_path, 3, provider)
    assert report.outcomes == {Outcome.MISSING: 3}
    assert report.cost_usd is None
    again = drive(reopen_run(report.run_dir), wait=True)
    assert again.outcomes == {Outcome.MISSING: 3}
    sandbox.set_faults({})
    found = drive(reopen_run(report.run_dir), wait=True)
    assert found.outcomes == {Outcome.SUCCEEDED: 3}
    assert found.cost_usd is not None
    assert sandbox.created() == 1


def test_half_of_the_results_is_not_all_of_them(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    """With one of two files missing, answered requests are not bought again."""
    refused = {"nth": [1, 2], "status": 400, "message": "No."}
    sandbox.set_faults(
        {
            "batches": [{"answers": [refused]}],
            # Of each look, the first download is that of the output file.
            "calls": [
                {"operation": "download", **NOT_FOUND, "nth": [*range(1, 99, 2)]}
            ],
        }
    )
    report = run(tmp_path, 6, "openai")
    assert report.outcomes == {Outcome.ERRORED: 2, Outcome.MISSING: 4}
    assert report.cost_usd is None
    assert outcomes(tmp_path) == ["errored"] * 2 + ["missing"] * 4
    sandbox.set_faults({})
    found = drive(reopen_run(report.run_dir), wait=True)
    assert found.outcomes == {Outcome.ERRORED: 2, Outcome.SUCCEEDED: 4}
    assert sandbox.created() == 1


def test_only_lost_requests_are_bought_again_on_request(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    """`--resend-lost` sends the requests without a result, and no others."""
    refused = {"nth": [1, 2], "status": 400, "message": "No."}
    sandbox.set_faults(
        {
            "batches": [{"nth": [1], "answers": [refused]}],
            "calls": [
                {"operation": "download", **NOT_FOUND, "nth": [*range(1, 99, 2)]}
            ],
        }
    )
    report = run(tmp_path, 6, "openai")
    sandbox.set_faults({})
    (shard,) = Run.load(report.run_dir).state().gone_shards
    assert shard.last is not None
    assert shard.last.ended is not None
    assert shard.last.ended.batch is not None
    openai.OpenAI().files.delete(str(shard.last.ended.batch.output_file_id))
    again = drive(reopen_run(report.run_dir, resend_lost=True), wait=True)
    assert again.outcomes == {Outcome.ERRORED: 2, Outcome.SUCCEEDED: 4}
    assert [line.requests for line in again.batches] == [6, 4]


@BOTH
def test_what_is_shown_again_is_not_bought_again(
    provider: str, sandbox: Sandbox, tmp_path: Path
) -> None:
    """`--resend-lost` looks first, and pays for nothing that is there after all."""
    sandbox.set_faults({"calls": [{"operation": "download", **NOT_FOUND}]})
    report = run(tmp_path, 3, provider)
    sandbox.set_faults({})
    with pytest.raises(InputError, match="drop --resend-lost"):
        reopen_run(report.run_dir, resend_lost=True)
    found = drive(reopen_run(report.run_dir), wait=True)
    assert found.outcomes == {Outcome.SUCCEEDED: 3}
    assert sandbox.created() == 1
