"""Tests of `runs.shard_table`: each batch is a line that says how it stands."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from batchwright.models import (
    Account,
    Batch,
    BatchStatus,
    Intent,
    Outcome,
    RequestCounts,
)
from batchwright.runs.directory.attempts import Attempt, Attempts
from batchwright.runs.directory.records import Ended, ShardPlan, Verdict
from batchwright.runs.directory.run import RunState
from batchwright.runs.directory.shard import Shard
from batchwright.runs.directory.storage import Directory
from batchwright.runs.report.batch_table import percent_done, shard_rows

NO_JOB: Any = None
NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


def batch(status: str = "in_progress", **counts: int) -> Batch:
    """Return an open batch that was created at noon."""
    return Batch(
        id="b-1",
        provider="openai",
        status=BatchStatus.IN_PROGRESS,
        provider_status=status,
        created_at=NOON,
        counts=RequestCounts(**counts),
    )


def attempt(**given: Any) -> Attempt:
    """Return a first attempt that was claimed at noon."""
    intent = Intent(
        token="t",
        claimed_at=NOON,
        requests=10,
        bytes=1,
        digest="d",
        endpoint="/v1/chat/completions",
        account=Account(base_url="http://localhost"),
    )
    return Attempt(0, intent, **given)


def ended(verdict: Verdict, **given: Any) -> Ended:
    """Return the end of an attempt, one hour after noon."""
    return Ended(verdict=verdict, at=NOON + timedelta(hours=1), **given)


def state(*attempts: Attempt | None) -> RunState:
    """Return a run with ten requests in each shard, and so many attempts or none."""
    shards = {}
    for number, each in enumerate(attempts):
        plan = ShardPlan(path=f"shards/{number:05}", requests=10, bytes=1, digest="d")
        records = Attempts(Directory("run"), "", [each] if each else [])
        shards[plan.path] = Shard(plan, records)
    return RunState(
        frozenset(),
        NO_JOB,
        None,
        [],
        shards,
        cancelled=False,
        report=None,
    )


DOWNLOADED = ended(
    Verdict.DOWNLOADED,
    batch=batch("completed"),
    lines=10,
    outcomes={Outcome.SUCCEEDED: 7, Outcome.ERRORED: 3},
    cost_usd=0.5,
)


@pytest.mark.parametrize(
    ("tried", "live", "cells"),
    [
        (None, {}, {"batch": "", "status": "not sent", "succeeded": None}),
        (attempt(), {}, {"batch": "", "status": "being created", "age": "30 min"}),
        (
            attempt(batch=batch("validating")),
            {},
            {"batch": "b-1", "status": "validating", "succeeded": None, "failed": None},
        ),
        (
            attempt(batch=batch("validating")),
            {"b-1": batch(succeeded=4, errored=1)},
            {"status": "in_progress", "succeeded": 4, "failed": 1, "age": "30 min"},
        ),
        (
            attempt(batch=batch(), ended=DOWNLOADED),
            {"b-1": batch(succeeded=4)},
            {
                "status": "completed",
                "succeeded": 7,
                "failed": 3,
                "age": "1 h 00 min",
                "cost (USD)": "0.5000",
            },
        ),
        (
            attempt(
                batch=batch(), ended=DOWNLOADED.model_copy(update={"cost_usd": None})
            ),
            {},
            {"cost (USD)": "unknown"},
        ),
        (
            attempt(
                batch=batch(), ended=DOWNLOADED.model_copy(update={"cost_usd": 2e-5})
            ),
            {},
            {"cost (USD)": "0.000020"},
        ),
        (
            attempt(batch=batch(), ended=ended(Verdict.PARKED, batch=batch("failed"))),
            {},
            {"batch": "b-1", "status": "parked", "cost (USD)": None},
        ),
        (
            attempt(ended=ended(Verdict.NOT_CREATED)),
            {},
            {"batch": "", "status": "not created"},
        ),
    ],
)
def test_how_a_batch_stands(
    tried: Attempt | None, live: dict[str, Batch], cells: dict[str, Any]
) -> None:
    """What is on record comes before what was last seen, and that before nothing."""
    now = NOON + timedelta(minutes=30)
    (row,) = shard_rows(state(tried), "openai", live, now)
    assert row["shard"] == "shards/00000"
    assert (row["provider"], row["requests"]) == ("openai", 10)
    assert {name: row[name] for name in cells} == cells


def test_percent_done_counts_requests() -> None:
    """Landed batches count whole, open ones by what the provider has answered."""
    run = state(attempt(batch=batch(), ended=DOWNLOADED), attempt(batch=batch()), None)
    assert percent_done(run, {}) == 33.3
    assert percent_done(run, {"b-1": batch(succeeded=4, errored=1)}) == 50.0
    assert percent_done(state(), {}) == 0
