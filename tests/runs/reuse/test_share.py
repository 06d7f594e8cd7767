"""Tests of `runs.reuse`: no request is paid for twice under a root."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from batchwright.data.job import BatchJob
from batchwright.errors import RunError
from batchwright.models import Outcome, RunReport
from batchwright.runs.directory.records import Plan
from batchwright.runs.directory.storage import Directory
from batchwright.runs.drive import drive
from batchwright.runs.generate import generate_shards
from batchwright.runs.open import open_run
from batchwright.runs.report.dry_run import dry_run
from batchwright.runs.report.markdown import markdown
from batchwright.runs.retry import open_retry
from batchwright.sandbox import Sandbox

MODELS = {"openai": "gpt-5-mini", "anthropic": "claude-sonnet-4-5"}
TEXTS = ["x", "y", "x", "z", "x", "y"]

Row = dict[str, Any]


class Root:
    """Jobs over tables of one column, and their runs in one folder."""

    def __init__(self, folder: Path, sandbox: Sandbox, runs: str | None = None) -> None:
        self.folder = folder
        self.sandbox = sandbox
        self.runs = runs or str(folder / "runs")

    def job(self, name: str, texts: list[str], **options: Any) -> BatchJob:
        """Return a job of this name over the texts."""
        source = self.folder / f"{name}.jsonl"
        lines = [json.dumps({"text": text}) + "\n" for text in texts]
        source.write_text("".join(lines), encoding="utf-8")
        given: dict[str, Any] = {
            "model": "gpt-5-mini",
            "prompt": "Say {{ text }}",
            "output": str(self.folder / f"{name}.out.jsonl"),
            "max_tokens": 100,
            "reuse": True,
        } | options
        return BatchJob(input=str(source), **given)

    def run(self, name: str, texts: list[str], **options: Any) -> RunReport:
        """Run such a job to its end."""
        job = self.job(name, texts, **options)
        return drive(open_run(job, f"{self.runs}/{name}"), wait=True)

    def table(self, name: str, suffix: str = "jsonl") -> list[Row]:
        """Return the output of a job."""
        path = self.folder / f"{name}.out.{suffix}"
        if suffix == "parquet":
            rows: list[Row] = pq.read_table(path).to_pylist()
            return rows
        return [json.loads(line) for line in path.read_text("utf-8").splitlines()]

    def sent(self) -> int:
        """Return how many requests were ever sent."""
        return sum(batch.requests for batch in self.sandbox.batches())


@pytest.fixture
def root(sandbox: Sandbox, tmp_path: Path) -> Root:
    """Give a folder without runs."""
    return Root(tmp_path, sandbox)


def answers(rows: list[Row]) -> list[tuple[Any, ...]]:
    """Return what a run without `reuse` gives as well."""
    return [(row["text"], row["answer"], row["_outcome"]) for row in rows]


@pytest.mark.parametrize(
    ("provider", "suffix"), [("openai", "parquet"), ("anthropic", "jsonl")]
)
def test_equal_rows_share_a_request(root: Root, provider: str, suffix: str) -> None:
    """Of equal rows one is sent and paid for; the answers are those of a usual run."""
    output = {"output": str(root.folder / f"once.out.{suffix}")}
    options = {"model": MODELS[provider], "max_requests_per_batch": 2}
    report = root.run("once", TEXTS, **options, **output)
    assert root.sent() == 3
    root.run("usual", TEXTS, **options, reuse=False)
    rows = root.table("once", suffix)
    assert answers(rows) == answers(root.table("usual"))
    assert [row["_reused"] for row in rows] == [False, False, True, False, True, True]
    for row in rows:
        assert (row["_input_tokens"] == 0) == row["_reused"]
        assert (row["_cost_usd"] == 0) == row["_reused"]
    assert "_reused" not in root.table("usual")[0]
    assert report.outcomes == {Outcome.SUCCEEDED: 6}
    assert report.reused == 3
    assert report.cost_usd == pytest.approx(sum(row["_cost_usd"] for row in rows))
    assert report.saved_usd == pytest.approx(report.cost_usd)
    assert "Reused answers: 3 rows" in markdown(report)


@pytest.mark.parametrize("provider", ["openai", "anthropic"])
def test_what_another_run_was_answered_is_not_sent(root: Root, provider: str) -> None:
    """New rows are sent alone; with its source deleted, a run still has all answers."""
    options = {"model": MODELS[provider], "max_requests_per_batch": 3}
    root.run("first", TEXTS, **options)
    more = ["new", *TEXTS, "newer", "new"]
    found = dry_run(root.job("second", more, **options), run_dir=f"{root.runs}/second")
    assert (found.rows, found.requests, found.answered, found.shared) == (9, 2, 3, 4)
    assert found.batches == 1
    second = root.run("second", more, **options)
    assert root.sent() == 3 + 2
    assert second.reused == 7
    assert found.saved_usd is not None
    assert 0 < found.saved_usd < (second.saved_usd or 0)
    shutil.rmtree(f"{root.runs}/first")
    third = root.run("third", more, **options)
    assert (root.sent(), third.reused, third.cost_usd) == (5, 9, 0)
    assert third.batches == ()
    root.run("usual", more, **options, reuse=False)
    usual = answers(root.table("usual"))
    assert answers(root.table("second")) == answers(root.table("third")) == usual


CHANGES: dict[str, dict[str, Any]] = {
    "prompt": {"prompt": "Tell {{ text }}"},
    "system": {"system": "Be brief."},
    "model": {"model": "gpt-5"},
    "parameter": {"params": {"seed": 1}},
    "limit": {"max_tokens": 99},
    "schema": {
        "response_model": {"type": "object", "properties": {"a": {"type": "string"}}}
    },
    "sandbox": {"sandbox": True},
}


def test_other_requests_are_sent(root: Root) -> None:
    """A request with another prompt, model, parameter or server is another one."""
    root.run("first", ["x"])
    for name, change in CHANGES.items():
        report = root.run(name, ["x"], **change)
        assert (name, report.reused, len(report.batches)) == (name, 0, 1)


MODEL = """
from pydantic import BaseModel, field_validator

class Label(BaseModel):
    score: int

    @field_validator("score")
    @classmethod
    def check(cls, score: int) -> int:
        if {fails}:
            raise ValueError("not now")
        return score
"""


def test_only_answers_that_fit_are_taken_over(root: Root) -> None:
    """An answer that this run's response model refuses is asked for again."""
    strict, lax = root.folder / "strict.py", root.folder / "lax.py"
    strict.write_text(MODEL.format(fails="True"), encoding="utf-8")
    lax.write_text(MODEL.format(fails="False"), encoding="utf-8")
    root.run("first", ["x", "x"], response_model=f"{strict}:Label", max_rounds=0)
    report = root.run("second", ["x"], response_model=f"{strict}:Label", max_rounds=0)
    assert (root.sent(), report.reused) == (2, 0)
    report = root.run("third", ["x"], response_model=f"{lax}:Label")
    assert (root.sent(), report.reused) == (2, 1)
    assert report.outcomes == {Outcome.SUCCEEDED: 1}


def test_rows_of_a_shared_request_fail_and_are_retried_together(root: Root) -> None:
    """What failed for now is sent once more for all its rows; what fails, fails."""
    faults = [{"nth": [1], "answers": [{"nth": [1, 2], "status": 500}]}]
    faults += [{"nth": [2], "answers": [{"nth": [1], "status": 400}]}]
    root.sandbox.set_faults({"batches": faults})
    texts = ["x", "y", "x", "y", "z"]
    report = root.run("first", texts, max_requests_per_batch=2, max_in_flight=1)
    rows = root.table("first")
    sent = sum(batch.requests for batch in root.sandbox.batches())
    assert sent == 3 + 2 == sum(line.requests for line in report.batches)
    outcomes = {row["text"]: set() for row in rows}
    for row in rows:
        outcomes[row["text"]].add(row["_outcome"])
    assert all(len(each) == 1 for each in outcomes.values())
    assert report.outcomes[Outcome.ERRORED] in {1, 2}
    assert report.reused == 2


def test_a_refused_batch_fails_all_rows_of_its_requests(root: Root) -> None:
    """The lines that a refusal names are told for each row that shares them."""
    errors = [{"line": 2, "code": "bad", "message": "a bad line"}]
    root.sandbox.set_faults({"batches": [{"fail": errors}]})
    root.run("first", ["x", "y", "x", "y"], max_rounds=0, max_requests_per_batch=2)
    rows = root.table("first")
    assert {row["_outcome"] for row in rows} == {"errored"}
    named = [row["text"] for row in rows if row["_error"] == "a bad line [bad]"]
    assert named == ["y", "y"]


def test_the_canary_is_of_what_is_sent(root: Root) -> None:
    """The first requests that are sent go alone, and their failure stops the others."""
    root.run("first", ["a", "b", "c"])
    texts = ["a", "b", "c", "d", "e", "e", "f", "g"]
    report = root.run("second", texts, canary=2)
    assert [line.requests for line in report.batches] == [2, 2]
    third = root.run("third", texts, canary=2)
    assert third.batches == ()
    assert third.outcomes == {Outcome.SUCCEEDED: 8}


def test_the_budget_counts_what_is_sent(root: Root) -> None:
    """A cost limit too low for all rows is enough where few are sent."""
    texts = [f"text {number}" for number in range(20)]
    most = dry_run(root.job("first", texts)).most_usd
    root.run("first", texts)
    report = root.run("second", [*texts, "new"], max_cost_usd=(most or 0) / 10)
    assert report.outcomes == {Outcome.SUCCEEDED: 21}
    assert report.reused == 20


def test_a_run_that_is_open_has_answers_too(root: Root) -> None:
    """What an open run was answered is taken over, and what it waits for is sent."""
    slow = {"nth": [2], "durations": {"in_progress": 3600}}
    root.sandbox.set_faults({"batches": [slow]})
    job = root.job("first", ["x", "y"], max_requests_per_batch=1)
    run = open_run(job, f"{root.runs}/first")
    drive(run, wait=False)
    while not any(each.verdict for _, each in run.state().attempts()):
        root.sandbox.advance(1)
        drive(run, wait=False)
    report = root.run("second", ["x", "y"])
    assert (root.sent(), report.reused) == (3, 1)


def test_a_run_that_cannot_be_read_is_passed_over(root: Root) -> None:
    """A damaged run and a damaged index are no obstacle; their rows are sent."""
    root.run("first", ["x"])
    root.run("second", ["x", "y"])
    for index in Path(root.runs).rglob("*.index.arrow"):
        index.write_bytes(b"no index")
    (Path(root.runs) / "second" / "plan.json").write_text("{}", encoding="utf-8")
    report = root.run("third", ["x", "y"])
    assert report.outcomes == {Outcome.SUCCEEDED: 2}


def test_a_damaged_file_of_the_run_is_named(root: Root) -> None:
    """Reused answers and shared rows that change later stop the run, by name."""
    root.run("first", ["x"])
    job = root.job("second", ["x", "y", "y"])
    run_dir = Path(root.runs, "second")
    drive(open_run(job, str(run_dir)), wait=False)
    for name in ("shared", "shards/00000/results/taken.jsonl"):
        good = (run_dir / name).read_bytes()
        (run_dir / name).write_bytes(b"other" * 8)
        with pytest.raises(RunError, match=f"{name} is damaged"):
            drive(open_run(job, str(run_dir)), wait=True)
        (run_dir / name).write_bytes(good)
    assert drive(open_run(job, str(run_dir)), wait=True).ok


def test_an_answer_after_asking_again_is_one_to_the_row(root: Root) -> None:
    """Rows whose answer was corrected are not sent again by another run."""
    model = root.folder / "label.py"
    model.write_text(MODEL.format(fails="False"), encoding="utf-8")
    wrong = {"nth": [1], "answers": [{"nth": [1, 2], "kind": "wrong_shape"}]}
    root.sandbox.set_faults({"batches": [wrong]})
    options = {"response_model": f"{model}:Label"}
    first = root.run("first", ["x", "y", "z"], reask=1, **options)
    assert first.outcomes == {Outcome.SUCCEEDED: 3}
    second = root.run("second", ["x", "y", "z", "x"], **options)
    assert (root.sent(), second.reused) == (3 + 2, 4)
    assert second.outcomes == {Outcome.SUCCEEDED: 4}


def test_it_is_the_same_on_a_shared_store(
    sandbox: Sandbox, tmp_path: Path, bucket: str
) -> None:
    """Runs on S3 find each other's answers, and generation can be begun anew there."""
    root = Root(tmp_path, sandbox, bucket)
    root.run("first", TEXTS, max_requests_per_batch=2)
    job = root.job("second", ["new", *TEXTS], max_requests_per_batch=2)
    generate_shards(open_run(job, f"{bucket}/second"))
    planned = Directory(f"{bucket}/second").read("plan.json")
    Directory(f"{bucket}/second").remove("plan.json")
    Directory(f"{bucket}/first").remove("job.json")
    run = open_run(job, f"{bucket}/second")
    generate_shards(run)
    before = Plan.model_validate_json(planned or b"")
    assert run.plan().shards == before.shards
    report = drive(run, wait=True)
    assert (root.sent(), report.reused) == (3 + 1, 6)
    assert report.outcomes == {Outcome.SUCCEEDED: 7}
    assert [row["text"] for row in root.table("second")] == ["new", *TEXTS]


def test_a_retry_asks_once_for_rows_that_share(root: Root) -> None:
    """Failed rows are asked again together, with the same or with another prompt.

    Where the new prompt tells them apart, each is asked; the others stay as they are.
    """
    root.run("first", ["x"])
    texts = ["x", "y", "z", "y", "y"]
    fail = {"batches": [{"answers": [{"status": 400}]}]}
    root.sandbox.set_faults(fail)
    report = root.run("second", texts, max_requests_per_batch=2)
    assert report.outcomes == {Outcome.SUCCEEDED: 1, Outcome.ERRORED: 4}
    run_dir = f"{root.runs}/second"
    report = drive(open_retry(run_dir), wait=True)
    assert (root.sent(), report.outcomes[Outcome.ERRORED]) == (1 + 2 + 2, 4)
    root.sandbox.set_faults({})
    report = drive(open_retry(run_dir, {"prompt": "Tell {{ text }}"}), wait=True)
    assert (root.sent(), report.outcomes) == (5 + 2, {Outcome.SUCCEEDED: 5})
    rows = root.table("second")
    assert [row["answer"].rpartition(" to: ")[2] for row in rows] == [
        "'Say x'",
        *(f"'Tell {text}'" for text in texts[1:]),
    ]
    assert [row["_reused"] for row in rows] == [True, False, False, True, True]
    assert [row["_round"] for row in rows] == [0, 2, 2, 2, 2]
    third = root.run("third", ["x", "z"], prompt="Tell {{ text }}")
    assert (root.sent(), third.reused) == (7 + 1, 1)
