"""Tests of `runs.budget` and `runs.canary`: money is not spent before it is due."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, get_args

import pytest

from batchwright.data.job import BatchJob
from batchwright.errors import BudgetError, CanaryError, InputError
from batchwright.models import Outcome, RunReport
from batchwright.runs.decide.budget import committed_usd, reservation_usd
from batchwright.runs.directory.run import Run
from batchwright.runs.drive import drive
from batchwright.runs.generate import generate_shards
from batchwright.runs.open import open_run, reopen_run
from batchwright.runs.report.dry_run import dry_run
from batchwright.sandbox import Sandbox
from batchwright.sandbox.faults import OddUsage

MODEL = """
from typing import Literal
from pydantic import BaseModel

class Label(BaseModel):
    label: Literal["SPAM", "NOT_SPAM"]
    score: int
"""


def job(folder: Path, rows: int, **options: Any) -> BatchJob:
    """Return a job over so many rows, in a folder of its own."""
    (folder / "label.py").write_text(MODEL, encoding="utf-8")
    lines = ["id,text", *(f"{row},text number {row}" for row in range(rows))]
    (folder / "in.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    given: dict[str, Any] = {
        "model": "gpt-5-mini",
        "max_tokens": 100,
        "output": str(folder / "out.jsonl"),
    } | options
    return BatchJob(
        input=str(folder / "in.csv"),
        prompt="Classify: {{ text }}",
        response_model=f"{folder / 'label.py'}:Label",
        **given,
    )


def run(folder: Path, rows: int, **options: Any) -> RunReport:
    """Run such a job to its end."""
    return drive(open_run(job(folder, rows, **options), str(folder / "run")), wait=True)


def test_the_cap_stops_before_the_batch_that_would_pass_it(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    """What fits is sent and landed; the next batch is refused, and said."""
    with pytest.raises(BudgetError, match="may cost") as caught:
        run(tmp_path, 6, max_requests_per_batch=2, max_cost_usd=0.0003)
    assert "Nothing was sent" in str(caught.value)
    state = Run.load(str(tmp_path / "run")).state()
    assert 0 < sandbox.created() < 3
    assert committed_usd(state) <= 0.0003


def test_a_cap_that_is_wide_enough_changes_nothing(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    """The same job under a cap of a dollar ends with all rows."""
    report = run(tmp_path, 6, max_requests_per_batch=2, max_cost_usd=1)
    assert report.outcomes == {Outcome.SUCCEEDED: 6}
    assert report.cost_usd is not None
    assert report.cost_usd <= 1


@pytest.mark.parametrize("model", ["gpt-5-mini", "claude-sonnet-4-5"])
@pytest.mark.parametrize("usage", get_args(OddUsage))
def test_usage_that_cannot_be_right_never_passes_the_cap(
    model: str, usage: str, sandbox: Sandbox, tmp_path: Path
) -> None:
    """The reservation of a batch stays where its answers do not say what they took."""
    sandbox.set_faults({"batches": [{"answers": [{"kind": usage}]}]})
    given = {"model": model, "max_requests_per_batch": 1, "max_in_flight": 1}
    first = open_run(job(tmp_path, 4, **given, max_cost_usd=1), str(tmp_path / "run"))
    report = drive(first, wait=True)
    assert report.outcomes == {Outcome.SUCCEEDED: 4}
    assert report.cost_usd is None
    assert "Cost: unknown" in (tmp_path / "run/report.md").read_text("utf-8")
    rows = (tmp_path / "out.jsonl").read_text("utf-8").splitlines()
    assert {json.loads(row)["_cost_usd"] for row in rows} == {None}
    state = Run.load(str(tmp_path / "run")).state()
    reserved = [attempt.intent.reserved_usd or 0 for _, attempt in state.attempts()]
    created = sandbox.created()
    with pytest.raises(BudgetError):
        drive(
            open_run(
                job(
                    tmp_path,
                    4,
                    **given,
                    max_cost_usd=2.5 * max(reserved),
                    output=str(tmp_path / "second.jsonl"),
                ),
                str(tmp_path / "second"),
            ),
            wait=True,
        )
    assert sandbox.created() == created + 2


@pytest.mark.parametrize("model", ["gpt-5-mini", "claude-sonnet-4-5"])
def test_what_has_no_line_may_have_been_billed(
    model: str, sandbox: Sandbox, tmp_path: Path
) -> None:
    """The cost of a row without a result line is unknown, and stays reserved."""
    sandbox.set_faults({"batches": [{"lines": {"missing": {"nth": [1]}}}]})
    report = run(tmp_path, 3, model=model, max_rounds=0, max_cost_usd=1)
    assert report.outcomes == {Outcome.SUCCEEDED: 2, Outcome.MISSING: 1}
    assert report.cost_usd is None
    rows = map(json.loads, (tmp_path / "out.jsonl").read_text("utf-8").splitlines())
    priced = [row["_outcome"] for row in rows if row["_cost_usd"] is not None]
    assert priced == ["succeeded"] * 2
    state = Run.load(str(tmp_path / "run")).state()
    ((_, attempt),) = state.attempts()
    assert committed_usd(state) == attempt.intent.reserved_usd


@pytest.mark.parametrize(
    "given",
    [
        {"cache_system": True},
        {"params": {"cache_control": {"type": "ephemeral"}}},
    ],
)
def test_the_cap_holds_where_a_cache_is_written(
    given: dict[str, Any], sandbox: Sandbox, tmp_path: Path
) -> None:
    """Input that may be stored for an hour is reserved at twice its price."""

    def reserved(name: str, **more: Any) -> float:
        more = {"system": "Be short. " * 99, "max_tokens": 1, "max_cost_usd": 1, **more}
        opened = open_run(
            job(tmp_path, 2, model="claude-sonnet-4-5", **more), str(tmp_path / name)
        )
        generate_shards(opened)
        (shard,) = opened.state().shards.values()
        return reservation_usd(opened.job, shard.plan) or 0

    assert reserved("cached", **given) > 1.9 * reserved("plain")


@pytest.mark.parametrize("model", ["gpt-5-mini", "claude-sonnet-4-5"])
def test_lost_answers_never_pass_the_cap(
    model: str, sandbox: Sandbox, tmp_path: Path
) -> None:
    """Reservations hold while it is unknown whether a batch exists."""
    sandbox.set_faults({"calls": [{"operation": "create", "do": "drop", "every": 2}]})
    report = run(tmp_path, 6, model=model, max_requests_per_batch=2, max_cost_usd=0.1)
    state = Run.load(str(tmp_path / "run")).state()
    assert report.outcomes == {Outcome.SUCCEEDED: 6}
    assert committed_usd(state) <= 0.1
    assert sandbox.created() == 3


@pytest.mark.parametrize("requests", [None, 2])
def test_a_dry_run_says_what_is_reserved(
    sandbox: Sandbox, tmp_path: Path, requests: int | None
) -> None:
    """It is the sum that the run writes down, and what it needs as its limit."""
    options = {"max_requests_per_batch": requests, "max_cost_usd": 1}
    found = dry_run(job(tmp_path, 6, **options))
    assert found.most_usd is not None
    assert found.problem is None
    run(tmp_path, 6, **options)
    attempts = Run.load(str(tmp_path / "run")).state().attempts()
    reserved = [attempt.intent.reserved_usd or 0 for _, attempt in attempts]
    assert found.most_usd == pytest.approx(sum(reserved))


def test_a_dry_run_refuses_what_the_run_would(sandbox: Sandbox, tmp_path: Path) -> None:
    """The limit that it says is needed is enough for the run."""
    options = {"max_requests_per_batch": 3, "max_cost_usd": 0.0003}
    problem = dry_run(job(tmp_path, 6, **options)).problem
    assert problem is not None
    with pytest.raises(BudgetError, match="may cost"):
        run(tmp_path, 6, **options)
    needed = re.search(r"It needs --max-cost-usd (\S+),", problem)
    assert needed is not None
    options["max_cost_usd"] = float(needed[1])
    assert dry_run(job(tmp_path, 6, **options)).problem is None
    again = open_run(job(tmp_path, 6, **options), str(tmp_path / "again"))
    assert drive(again, wait=True).outcomes == {Outcome.SUCCEEDED: 6}


def test_a_bad_canary_keeps_the_rest_at_home(sandbox: Sandbox, tmp_path: Path) -> None:
    """Ten rows that fail cost ten rows, not all of them."""
    sandbox.set_faults({"batches": [{"answers": [{"kind": "wrong_shape"}]}]})
    with pytest.raises(CanaryError, match="Only 0 of the first 3 rows succeeded"):
        run(tmp_path, 9, canary=3)
    assert sandbox.created() == 1
    with pytest.raises(CanaryError):
        drive(reopen_run(str(tmp_path / "run")), wait=True)
    assert sandbox.created() == 1


def test_a_good_canary_releases_the_rest(sandbox: Sandbox, tmp_path: Path) -> None:
    """Nothing is sent twice: the canary's rows are part of the table."""
    report = run(tmp_path, 9, canary=3)
    assert report.outcomes == {Outcome.SUCCEEDED: 9}
    assert [line.requests for line in report.batches] == [3, 6]


@pytest.mark.parametrize(
    ("model", "status"),
    [("gpt-5-mini", 429), ("gpt-5-mini", 500), ("claude-sonnet-4-5", 529)],
)
def test_a_canary_that_fails_for_now_is_sent_again(
    model: str, status: int, sandbox: Sandbox, tmp_path: Path
) -> None:
    """Its failures get a round of their own, and all rows are judged after it."""
    again = {"status": status}
    sandbox.set_faults({"batches": [{"nth": [1, 3], "answers": [again]}]})
    report = run(tmp_path, 9, model=model, canary=3, max_rounds=1)
    assert report.outcomes == {Outcome.SUCCEEDED: 9}
    # The canary, its round, the others, which failed for now too, and their round.
    sent = {line.shard: line.requests for line in report.batches}
    assert sent == {
        "shards/00000": 3,
        "shards/00001": 6,
        "rounds/1/00000": 3,
        "rounds/2/00000": 6,
    }
    found = json.loads((tmp_path / "run/canary.json").read_bytes())
    assert (found["succeeded"], found["rounds"]) == (3, 1)


def test_a_canary_is_sent_again_as_often_as_other_rows(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    """After `max_rounds` rounds it is judged as it is, and no other row was sent."""
    sandbox.set_faults({"batches": [{"answers": [{"status": 500}]}]})
    with pytest.raises(CanaryError, match="Only 0 of the first 3 rows"):
        run(tmp_path, 9, canary=3, max_rounds=2)
    state = Run.load(str(tmp_path / "run")).state()
    assert [len(shard.attempts.all) for shard in state.shards.values()] == [1, 0, 1, 1]


def test_a_canary_that_is_good_enough_is_not_sent_again(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    """Its failed row goes with the failed rows of the others, in an ordinary round."""
    fault = {"status": 500, "nth": [1]}
    sandbox.set_faults({"batches": [{"nth": [1, 2], "answers": [fault]}]})
    report = run(tmp_path, 9, canary=3, canary_success=0.5)
    assert report.outcomes == {Outcome.SUCCEEDED: 9}
    assert [line.requests for line in report.batches] == [3, 6, 2]


@pytest.mark.parametrize("rows", [3, 9])
def test_a_canary_of_all_rows_is_judged_likewise(
    rows: int, sandbox: Sandbox, tmp_path: Path
) -> None:
    """Where no other row is left, its rounds are the ordinary ones."""
    sandbox.set_faults({"batches": [{"nth": [1], "answers": [{"status": 500}]}]})
    report = run(tmp_path, rows, canary=9, max_rounds=1)
    assert report.outcomes == {Outcome.SUCCEEDED: rows}
    assert report.rounds == 1


def test_a_stopped_canary_may_be_passed_by(sandbox: Sandbox, tmp_path: Path) -> None:
    """`go_on` is on record, so the rest is sent whatever becomes of this process."""
    fault = {"nth": [1], "answers": [{"kind": "wrong_shape"}]}
    sandbox.set_faults({"batches": [fault]})
    folder = str(tmp_path / "run")
    with pytest.raises(CanaryError, match="--go-on"):
        run(tmp_path, 9, canary=3)
    reopen_run(folder, go_on=True)
    report = drive(Run.load(folder), wait=True)
    assert report.outcomes == {Outcome.INVALID: 3, Outcome.SUCCEEDED: 6}
    with pytest.raises(InputError, match="drop --go-on"):
        reopen_run(folder, go_on=True)


def test_a_canary_that_passed_needs_no_release(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    """What would do nothing is refused."""
    run(tmp_path, 4, canary=3)
    with pytest.raises(InputError, match="not stopped by its canary"):
        reopen_run(str(tmp_path / "run"), go_on=True)


@pytest.mark.parametrize("model", ["gpt-5-mini", "claude-sonnet-4-5"])
@pytest.mark.parametrize("mode", ["json_schema", "tools"])
def test_an_invalid_answer_is_asked_again(
    model: str, mode: str, sandbox: Sandbox, tmp_path: Path
) -> None:
    """The bad answer and its error go back in a further batch, and are paid for."""
    first = {
        "batches": [{"nth": [1], "answers": [{"kind": "wrong_shape", "nth": [2]}]}]
    }
    sandbox.set_faults(first)
    report = run(tmp_path, 3, model=model, mode=mode, reask=1)
    assert report.outcomes == {Outcome.SUCCEEDED: 3}
    assert [line.requests for line in report.batches] == [3, 1]
    sent = (tmp_path / "run/rounds/1/00000/requests.jsonl").read_text(encoding="utf-8")
    assert "This answer is not valid" in sent
    assert report.input_tokens > 0


def test_re_asking_ends(sandbox: Sandbox, tmp_path: Path) -> None:
    """A row is asked again as often as was allowed, then it is invalid for good."""
    sandbox.set_faults({"batches": [{"answers": [{"kind": "wrong_shape"}]}]})
    report = run(tmp_path, 2, reask=2)
    assert report.outcomes == {Outcome.INVALID: 2}
    assert [line.requests for line in report.batches] == [2, 2, 2]


def test_without_reask_an_invalid_answer_stays(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    """Off by default: nobody pays for more than was asked for."""
    sandbox.set_faults({"batches": [{"answers": [{"kind": "wrong_shape"}]}]})
    report = run(tmp_path, 2)
    assert report.outcomes == {Outcome.INVALID: 2}
    assert sandbox.created() == 1


def test_parked_lost_and_re_asked_attempts_stay_under_the_cap(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    """Every attempt reserves before it is created, whatever becomes of it."""
    sandbox.set_faults(
        {
            "calls": [{"operation": "create", "do": "drop", "nth": [2]}],
            "batches": [
                {"nth": [1], "fail": [{"code": "token_limit_exceeded"}]},
                {"nth": [2], "answers": [{"kind": "wrong_shape", "nth": [1]}]},
            ],
        }
    )
    report = run(tmp_path, 6, max_requests_per_batch=3, reask=1, max_cost_usd=0.002)
    state = Run.load(str(tmp_path / "run")).state()
    assert report.outcomes == {Outcome.SUCCEEDED: 6}
    assert committed_usd(state) <= 0.002
    reserved = [
        attempt.intent.reserved_usd
        for shard in state.shards.values()
        for attempt in shard.attempts.all
    ]
    assert len(reserved) > len(state.shards)
    assert all(reserved)


@pytest.mark.parametrize("endpoint", ["/v1/responses", "/v1/chat/completions"])
def test_endpoints_give_the_same_table(
    endpoint: str, sandbox: Sandbox, tmp_path: Path
) -> None:
    """The API's path is the user's choice, and the answers' fields are the same."""
    report = run(tmp_path, 3, endpoint=endpoint)
    assert report.outcomes == {Outcome.SUCCEEDED: 3}
    text = (tmp_path / "out.jsonl").read_text(encoding="utf-8")
    assert text.count('"label":') == 3


def test_embeddings_are_vectors(sandbox: Sandbox, tmp_path: Path) -> None:
    """`/v1/embeddings` fills one column with a list of numbers."""
    job(tmp_path, 2)
    embed = BatchJob(
        input=str(tmp_path / "in.csv"),
        output=str(tmp_path / "out.jsonl"),
        prompt="{{ text }}",
        model="text-embedding-3-small",
        endpoint="/v1/embeddings",
    )
    report = drive(open_run(embed, str(tmp_path / "run")), wait=True)
    assert report.outcomes == {Outcome.SUCCEEDED: 2}
    first = json.loads((tmp_path / "out.jsonl").read_text("utf-8").splitlines()[0])
    assert len(first["embedding"]) == 1536
