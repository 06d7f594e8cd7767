"""Tests of runs with a deadline: what batches have not answered is asked, once."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from batchwright.data.job import BatchJob
from batchwright.errors import (
    AccessError,
    BudgetError,
    CreationUnknownError,
    InputError,
)
from batchwright.models import Outcome, RunReport
from batchwright.runs.directory.deadline import deadline_of
from batchwright.runs.directory.run import Run
from batchwright.runs.drive import cancel_run, drive
from batchwright.runs.open import open_run, reopen_run
from batchwright.runs.report.dry_run import dry_run
from batchwright.runs.retry import open_retry
from batchwright.sandbox import Sandbox
from batchwright.settings import get_settings

MODELS = {"openai": "gpt-5-mini", "anthropic": "claude-sonnet-4-5"}
BOTH = pytest.mark.parametrize("provider", MODELS)
ROWS = 12
SLOW = {"durations": {"validating": 0, "in_progress": 1000, "finalizing": 0}}
"""Batches that end by themselves in none of these tests."""
LABEL = """
from typing import Literal
from pydantic import BaseModel

class Label(BaseModel):
    label: Literal["SPAM", "NOT_SPAM"]
"""


def job(folder: Path, provider: str = "openai", **options: Any) -> BatchJob:
    """Return a job over twelve rows, due at once."""
    lines = ["text", *(f"text {row}" for row in range(ROWS))]
    (folder / "in.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    given = {
        "model": MODELS[provider],
        "prompt": "Say something about {{ text }}",
        "max_tokens": 100,
        "output": str(folder / "out.jsonl"),
        "finish_by_seconds": 0,
    }
    return BatchJob(input=str(folder / "in.csv"), **given | options)


def run(folder: Path, provider: str = "openai", **options: Any) -> RunReport:
    """Run such a job to its end."""
    opened = open_run(job(folder, provider, **options), str(folder / "run"))
    return drive(opened, wait=True)


def table(folder: Path) -> list[dict[str, Any]]:
    """Return the output."""
    text = (folder / "out.jsonl").read_text("utf-8")
    return [json.loads(line) for line in text.splitlines()]


def asked(sandbox: Sandbox) -> int:
    """Return how many requests were asked in realtime."""
    return sum(call.operation == "ask" for call in sandbox.calls())


@BOTH
def test_a_run_that_is_due_at_once_creates_no_batch(
    provider: str, sandbox: Sandbox, tmp_path: Path
) -> None:
    """`--finish-by 0` asks each row once, at twice the price of a batch."""
    report = run(tmp_path, provider)
    assert report.outcomes == {Outcome.SUCCEEDED: ROWS}
    assert sandbox.created() == 0
    assert asked(sandbox) == ROWS
    rows = table(tmp_path)
    assert [row["text"] for row in rows] == [f"text {row}" for row in range(ROWS)]
    assert {row["_batch_id"] for row in rows} == {"realtime"}
    assert report.synthetic
    (tmp_path / "batch").mkdir()
    batch = run(tmp_path / "batch", provider, finish_by_seconds=None)
    assert report.cost_usd == pytest.approx(2 * (batch.cost_usd or 0))
    assert report.cost_usd == pytest.approx(sum(row["_cost_usd"] for row in rows))


def half_done(sandbox: Sandbox, folder: Path, provider: str, **options: Any) -> None:
    """Begin a run whose batches have answered half of their rows."""
    sandbox.set_faults(SLOW)
    given = job(folder, provider, **({"finish_by_seconds": "6h"} | options))
    assert drive(open_run(given, str(folder / "run")), wait=False).state == "open"
    advance(sandbox)


def advance(sandbox: Sandbox) -> None:
    """Let half of the rows of all batches be answered."""
    assert sandbox.backend.worker.wait_idle(60)
    sandbox.advance(500)


@BOTH
def test_what_a_late_batch_holds_is_kept(
    provider: str, sandbox: Sandbox, tmp_path: Path
) -> None:
    """At the deadline batches are cancelled, and only their other rows are asked."""
    half_done(sandbox, tmp_path, provider, max_requests_per_batch=6, max_rounds=0)
    late = reopen_run(str(tmp_path / "run"), finish_by="0")
    report = drive(late, wait=True)
    assert report.outcomes == {Outcome.SUCCEEDED: ROWS}
    assert sandbox.created() == 2
    by_batch = Counter(row["_batch_id"] for row in table(tmp_path))
    realtime = by_batch.pop("realtime")
    assert 0 < realtime < ROWS
    assert asked(sandbox) == realtime
    assert {batch.status for batch in sandbox.batches()} == {"cancelled"}
    assert by_batch.total() == ROWS - realtime
    assert report.cost_usd is not None
    assert not report.duplicate.count


def test_a_deadline_comes_while_a_run_waits(sandbox: Sandbox, tmp_path: Path) -> None:
    """A process that waits for batches stops waiting at the deadline."""
    sandbox.set_faults(SLOW)
    report = run(tmp_path, finish_by_seconds=1)
    assert report.ok
    assert asked(sandbox) == ROWS


def test_batches_that_are_in_time_are_all_there_is(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    """A deadline that is kept asks nothing in realtime."""
    report = run(tmp_path, finish_by_seconds="6h")
    assert report.ok
    assert asked(sandbox) == 0


@pytest.mark.parametrize("created", [True, False])
def test_a_lost_batch_is_settled_before_anything_is_asked(
    sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, created: bool
) -> None:
    """A create call without an answer, and then the deadline: no row is in both."""
    drop = {"operation": "create", "do": "drop", "after": created, "nth": [1]}
    sandbox.set_faults({**SLOW, "calls": [drop]})
    with monkeypatch.context() as patience:
        patience.setenv("BATCHWRIGHT_PATIENCE_SECONDS", "0")
        get_settings.cache_clear()
        with pytest.raises(CreationUnknownError):
            run(tmp_path, finish_by_seconds="6h")
    get_settings.cache_clear()
    report = drive(reopen_run(str(tmp_path / "run"), finish_by="0"), wait=True)
    assert report.ok
    assert sandbox.created() == created
    realtime = sum(row["_batch_id"] == "realtime" for row in table(tmp_path))
    assert asked(sandbox) == realtime
    assert {batch.status for batch in sandbox.batches()} <= {"cancelled"}


@BOTH
def test_the_sweep_keeps_the_deadline(
    provider: str, sandbox: Sandbox, tmp_path: Path
) -> None:
    """Passes that do not wait cancel, then land, then ask."""
    half_done(sandbox, tmp_path, provider)
    assert asked(sandbox) == 0
    late = reopen_run(str(tmp_path / "run"), finish_by="0")
    assert drive(late, wait=False).state == "open"
    assert asked(sandbox) == 0
    sandbox.settle()
    report = drive(Run.load(str(tmp_path / "run")), wait=False)
    assert report.ok
    realtime = sum(row["_batch_id"] == "realtime" for row in table(tmp_path))
    assert asked(sandbox) == realtime > 0


def test_a_refused_key_leaves_the_run_resumable(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    """What was answered stays answered; the next process asks the rest."""
    fault = {"operation": "ask", "do": "status", "status": 401, "every": 1}
    fine = {"operation": "ask", "do": "slow", "seconds": 0, "first": 5}
    sandbox.set_faults({"calls": [fine, fault]})
    with pytest.raises(AccessError, match="Check"):
        run(tmp_path, realtime_concurrency=2)
    kept = (tmp_path / "run/shards/00000/attempts/000.output.jsonl").read_bytes()
    assert kept.count(b"\n") == 5
    sandbox.set_faults(None)
    before = asked(sandbox)
    assert drive(Run.load(str(tmp_path / "run")), wait=True).ok
    assert asked(sandbox) == before + ROWS - 5


def test_a_request_that_is_refused_is_a_row_that_failed(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    """A refusal and a 400 are outcomes of their rows, as in a batch."""
    bad = {"operation": "ask", "do": "status", "status": 400, "nth": [3]}
    sandbox.set_faults({"calls": [bad], "answers": [{"kind": "refusal", "nth": [2]}]})
    report = run(tmp_path, realtime_concurrency=1)
    assert report.outcomes == {
        Outcome.SUCCEEDED: ROWS - 2,
        Outcome.REFUSED: 1,
        Outcome.ERRORED: 1,
    }


def test_a_rate_limit_and_an_outage_pass(sandbox: Sandbox, tmp_path: Path) -> None:
    """429, 5xx and broken connections are asked again, and each row is used once."""
    rules = [
        {"do": "status", "status": 429, "nth": [2], "retry_after_seconds": 0.05},
        {"do": "status", "status": 503, "nth": [4], "should_retry": False},
        {"do": "cut", "nth": [5]},
        {"do": "html", "nth": [6]},
    ]
    calls = [{"operation": "ask", **rule} for rule in rules]
    sandbox.set_faults({"calls": calls})
    report = run(tmp_path)
    assert report.outcomes == {Outcome.SUCCEEDED: ROWS}
    assert not report.duplicate.count


def test_the_cap_counts_realtime_at_its_full_price(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    """What suffices for a batch does not for realtime; the dry run says so before."""
    found = dry_run(job(tmp_path, finish_by_seconds=1))
    assert found.most_usd is not None
    assert found.most_realtime_usd == pytest.approx(2 * found.most_usd)
    cap = 1.5 * found.most_usd
    warned = dry_run(job(tmp_path, finish_by_seconds=1, max_cost_usd=cap))
    assert f"{found.most_realtime_usd:,.6f} USD" in str(warned.problem)
    assert dry_run(job(tmp_path, finish_by_seconds=None)).most_realtime_usd is None
    with pytest.raises(BudgetError, match="may cost"):
        run(tmp_path, max_cost_usd=cap)
    assert asked(sandbox) == 0
    (tmp_path / "wide").mkdir()
    report = run(tmp_path / "wide", max_cost_usd=2.1 * found.most_usd)
    assert report.ok
    state = Run.load(str(tmp_path / "wide/run")).state()
    (attempt,) = [attempt for _, attempt in state.attempts()]
    assert attempt.intent.reserved_usd == pytest.approx(2 * found.most_usd)


def test_a_cancelled_run_keeps_the_answers_that_it_has(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    """Rows that were not asked are cancelled, and asked after `--uncancel`."""
    fault = {"operation": "ask", "do": "status", "status": 401}
    fine = {"operation": "ask", "do": "slow", "seconds": 0, "first": 5}
    sandbox.set_faults({"calls": [fine, fault]})
    with pytest.raises(AccessError):
        run(tmp_path, realtime_concurrency=1)
    sandbox.set_faults(None)
    before = asked(sandbox)
    cancel_run(str(tmp_path / "run"))
    report = drive(Run.load(str(tmp_path / "run")), wait=True)
    assert report.outcomes == {Outcome.SUCCEEDED: 5, Outcome.CANCELLED: ROWS - 5}
    assert report.cost_usd is not None
    assert asked(sandbox) == before
    (tmp_path / "out.jsonl").unlink()
    again = reopen_run(str(tmp_path / "run"), uncancel=True)
    assert drive(again, wait=True).outcomes == {Outcome.SUCCEEDED: ROWS}
    assert asked(sandbox) == before + ROWS - 5


def test_a_canary_is_asked_first(sandbox: Sandbox, tmp_path: Path) -> None:
    """In realtime too, a bad canary keeps the rest from being asked."""
    (tmp_path / "label.py").write_text(LABEL, encoding="utf-8")
    model = f"{tmp_path / 'label.py'}:Label"
    sandbox.set_faults({"answers": [{"kind": "wrong_shape", "first": 3}]})
    with pytest.raises(Exception, match="Only 0 of the first 3 rows"):
        run(tmp_path, canary=3, response_model=model, max_rounds=0)
    assert asked(sandbox) == 3
    (tmp_path / "good").mkdir()
    report = run(tmp_path / "good", canary=3, response_model=model)
    assert report.ok
    assert asked(sandbox) == 3 + ROWS


def test_an_invalid_answer_is_asked_again(sandbox: Sandbox, tmp_path: Path) -> None:
    """Re-asking goes on in realtime, and the row says which answer counts."""
    (tmp_path / "label.py").write_text(LABEL, encoding="utf-8")
    model = f"{tmp_path / 'label.py'}:Label"
    sandbox.set_faults({"answers": [{"kind": "wrong_shape", "nth": [2, 4]}]})
    report = run(tmp_path, response_model=model, reask=1)
    assert report.outcomes == {Outcome.SUCCEEDED: ROWS}
    assert asked(sandbox) == ROWS + 2
    assert sandbox.created() == 0


def test_a_deadline_is_part_of_a_job_and_can_be_moved(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    """Typed again the run keeps its moment; `resume --finish-by` sets another."""
    late = job(tmp_path, finish_by_seconds="6h")
    opened = open_run(late, str(tmp_path / "run"))
    first = deadline_of(opened)
    assert first is not None
    assert deadline_of(open_run(late, str(tmp_path / "run"))) == first
    with pytest.raises(InputError, match="--finish-by soon: It must be a duration"):
        reopen_run(str(tmp_path / "run"), finish_by="soon")
    assert deadline_of(reopen_run(str(tmp_path / "run"))) == first
    moved = reopen_run(str(tmp_path / "run"), finish_by="0")
    assert drive(moved, wait=True).ok
    assert asked(sandbox) == ROWS


def test_a_retry_after_the_deadline_is_a_batch(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    """A deadline that has passed does not make later retries cost the full price."""
    sandbox.set_faults({"answers": [{"kind": "refusal", "nth": [2, 5]}]})
    assert run(tmp_path).outcomes[Outcome.REFUSED] == 2
    report = drive(open_retry(str(tmp_path / "run")), wait=True)
    assert report.ok
    assert sandbox.created() == 1
    assert asked(sandbox) == ROWS


WHOLE = [
    ("write shards/00000/attempts/*.intent.json", 1),
    ("POST {ask}", 1),
    ("POST {ask}", 2),
    ("write shards/00000/attempts/*.output.jsonl", 1),
    ("write shards/00000/attempts/*.ended.json", 1),
]
REST = [
    ("POST {cancel}", 1),
    ("write shards/00000/attempts/*.ended.json", 1),
    ("write rounds/1/plan.json", 1),
    ("POST {ask}", 2),
    ("write rounds/1/00000/attempts/*.ended.json", 1),
]
"""Each step comes after the one before, so that one run dies five times."""
PATHS = {
    "openai": {
        "ask": "/openai/v1/chat/completions",
        "create": "/openai/v1/batches",
        "cancel": "/openai/v1/batches/*/cancel",
    },
    "anthropic": {
        "ask": "/anthropic/v1/messages",
        "create": "/anthropic/v1/messages/batches",
        "cancel": "/anthropic/v1/messages/batches/*/cancel",
    },
}
PROVIDERS = ["openai", pytest.param("anthropic", marks=pytest.mark.long)]


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize("steps", [WHOLE, REST], ids=["whole", "rest"])
def test_a_kill_costs_at_most_what_is_under_way(
    killable: Any, provider: str, steps: list[tuple[str, int]]
) -> None:
    """Killed after each step, a run has each answer, and asked 3 twice at a time."""
    killable.sandbox.set_faults(SLOW)
    command = killable.prepare(provider)
    command["job"] |= {"finish_by_seconds": 0, "realtime_concurrency": 3}
    if steps is REST:
        command["job"]["finish_by_seconds"] = "6h"
        submitted = ("write shards/00001/attempts/*.batch.json", 1)
        assert killable.run(command | {"kill_at": submitted}) == -9
        advance(killable.sandbox)
        reopen_run(command["run_dir"], finish_by="0")
    for step, times in steps:
        kill_at = (step.format(**PATHS[provider]), times)
        code = killable.run(command | {"kill_at": kill_at})
        assert code == -9, f"{kill_at}: {killable.steps(command)[-1]}"
    assert killable.run(command) == 0, killable.steps(command)[-1]
    rows = killable.table_with_batches(command)
    assert {row["_outcome"] for row in rows} == {"succeeded"}
    realtime = sum(row["_batch_id"] == "realtime" for row in rows)
    assert (realtime < len(rows)) == (steps is REST)
    kills = sum(step == "POST {ask}" for step, _ in steps)
    assert realtime <= asked(killable.sandbox) <= realtime + 3 * kills
    assert killable.duplicates() == []


def test_a_store_is_asked_by_one_process_at_a_time(killable: Any, bucket: str) -> None:
    """On S3 a second process leaves the requests alone, and takes over from a dead."""
    command = killable.prepare("openai", bucket)
    command["job"] |= {"finish_by_seconds": 0, "realtime_concurrency": 2}
    command["environment"]["BATCHWRIGHT_SETTLE_SECONDS"] = "60"
    kill_at = (f"POST {PATHS['openai']['ask']}", 3)
    assert killable.run(command | {"kill_at": kill_at}) == -9
    assert killable.run(command) == 1
    assert "Another process asks" in killable.steps(command)[-1]
    command["environment"]["BATCHWRIGHT_SETTLE_SECONDS"] = "0.01"
    assert killable.run(command) == 0, killable.steps(command)[-1]
    rows = killable.table_with_batches(command)
    assert {row["_outcome"] for row in rows} == {"succeeded"}
    assert len(rows) <= asked(killable.sandbox) <= len(rows) + 2
