"""Tests of `runs.steps`: what comes next is decided by the records alone."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batchwright.data.job import BatchJob
from batchwright.models import Account, Batch, BatchStatus, Intent
from batchwright.runs.decide.steps import in_flight_limit, next_steps, under_token_limit
from batchwright.runs.directory.attempts import Attempt, Attempts
from batchwright.runs.directory.records import (
    Ended,
    InputShardPlan,
    Plan,
    RoundPlan,
    ShardPlan,
    Verdict,
)
from batchwright.runs.directory.run import RunState
from batchwright.runs.directory.shard import Shard
from batchwright.runs.directory.storage import Directory

START = datetime(2026, 11, 23, tzinfo=UTC)
NOWHERE = Directory("memory://steps")
LIFE = [
    "new",
    "lost",
    "open",
    "landed",
    "parked",
    "failed",
    "gone",
    "not_created",
    "foreign",
]
SETTLED = {"landed", "failed", "gone"}


def attempt(number: int, kind: str, minute: int, **facts: Any) -> Attempt:
    """Return an attempt that ended so, or is lost or open."""
    intent = Intent(
        token=f"t-{number}",
        claimed_at=START,
        requests=1,
        bytes=100,
        digest="",
        endpoint="",
        account=Account(base_url=""),
    )
    batch = Batch(
        id=f"batch_{minute}",
        provider="openai",
        status=BatchStatus.IN_PROGRESS,
        provider_status="in_progress",
    )
    if kind == "lost":
        return Attempt(number, intent)
    if kind == "open":
        return Attempt(number, intent, batch)
    at = START + timedelta(minutes=minute)
    ended = Ended(verdict=Verdict(kind), at=at, **facts)
    return Attempt(number, intent, None if kind == "not_created" else batch, ended)


def one_shard(path: str, kind: str, minute: int = 0, **facts: Any) -> Shard:
    """Return a shard of 100 bytes whose last attempt is of this kind."""
    plan = ShardPlan(path=path, requests=1, bytes=100, digest="")
    made = [] if kind == "new" else [attempt(0, kind, minute, **facts)]
    return Shard(plan, Attempts(NOWHERE, f"{path}/attempts/", made))


def state(
    first: Sequence[Shard], rounds: Sequence[Shard] = (), **facts: Any
) -> RunState:
    """Return the state of a run with these shards, and shards of a first round."""
    plans = tuple(
        InputShardPlan(
            **each.plan.model_dump(), first_row=index, rows_name="rows.jsonl"
        )
        for index, each in enumerate(first)
    )
    plan = Plan(
        nonce="00000000", rows=len(first), shards=plans, created_at=START, seconds=0
    )
    second = RoundPlan(
        number=1, shards=tuple(each.plan for each in rounds), created_at=START
    )
    given: dict[str, Any] = {
        "names": frozenset(),
        "job": None,
        "plan": plan,
        "rounds": [second] if rounds else [],
        "shards": {each.path: each for each in (*first, *rounds)},
        "cancelled": False,
        "report": None,
    }
    return RunState(**given | facts)


def some_shards(*kinds: str, **facts: Any) -> list[Shard]:
    """Return shards of these kinds."""
    return [
        one_shard(f"shards/{index:05}", kind, index, **facts)
        for index, kind in enumerate(kinds)
    ]


def job(**options: Any) -> BatchJob:
    """Return a job with these limits."""
    given: dict[str, Any] = {"max_in_flight": 10, "max_rounds": 2} | options
    return BatchJob(
        input="in.csv", output="out.csv", prompt="Hi", model="gpt-5-mini", **given
    )


def steps(of: RunState, **options: Any) -> list[str]:
    """Return the next steps, as text."""
    sets = {name: options.pop(name) for name in ("ended", "paused") if name in options}
    found = next_steps(of, job(**options), **sets)
    return [f"{step.kind} {step.shard}".strip() for step in found]


@pytest.mark.parametrize(
    ("kinds", "options", "expected"),
    [
        (["new", "new"], {}, ["submit shards/00000", "submit shards/00001"]),
        (["new", "new"], {"max_in_flight": 1}, ["submit shards/00000"]),
        (["open", "new"], {"max_in_flight": 1}, []),
        (["lost", "new"], {"max_in_flight": 1}, ["submit shards/00000"]),
        (["new", "lost"], {"max_in_flight": 1}, ["submit shards/00001"]),
        (["new", "new"], {"paused": {"shards/00000"}}, ["submit shards/00001"]),
        (["parked", "landed"], {}, ["submit shards/00000"]),
        (["not_created"], {}, ["submit shards/00000"]),
        (["foreign"], {}, ["submit shards/00000"]),
        (["open", "open"], {}, []),
        (["open", "open"], {"ended": {"shards/00001"}}, ["download shards/00001"]),
        (["landed", "open"], {}, []),
        (["landed", "landed"], {}, ["parse shards/00000", "parse shards/00001"]),
        (["gone"], {}, ["parse shards/00000"]),
        (["failed"], {}, ["round 1"]),
        (["failed"], {"max_rounds": 0}, ["parse shards/00000"]),
        (["landed"], {"reask": 1}, ["round 1"]),
        (["new", "new"], {"canary": 1}, ["submit shards/00000"]),
        (["open", "new"], {"canary": 1}, []),
        (["landed", "new"], {"canary": 1}, ["submit shards/00001"]),
    ],
)
def test_what_comes_next(
    kinds: list[str], options: dict[str, Any], expected: list[str]
) -> None:
    """One row for each rule of the planner."""
    assert steps(state(some_shards(*kinds)), **options) == expected


def test_a_run_begins_with_its_requests() -> None:
    """Nothing can be sent before the plan stands."""
    assert steps(state([], plan=None, shards={})) == ["generate"]


def test_what_may_still_succeed_makes_a_round() -> None:
    """A landed batch with requests worth another try is followed by a round."""
    again = state(some_shards("landed", again=1))
    assert steps(again) == ["round 1"]
    assert steps(again, max_rounds=0) == ["parse shards/00000"]


def test_only_the_newest_round_decides_about_another() -> None:
    """What the first round left is what the second one was made of."""
    first = some_shards("landed", again=1)
    done = one_shard("rounds/1/00000", "landed")
    assert steps(state(first, [done])) == ["parse shards/00000"]
    still = one_shard("rounds/1/00000", "landed", again=1)
    assert steps(state(first, [still])) == ["round 2"]
    assert steps(state(first, [still]), max_rounds=1) == ["parse shards/00000"]


def test_lost_results_are_resent_only_on_request() -> None:
    """The round that was asked for comes even where no round is left."""
    gone = some_shards("gone")
    assert steps(state(gone, resend_round=1), max_rounds=0) == ["round 1"]
    assert steps(state(gone), max_rounds=2) == ["parse shards/00000"]


def test_a_parsed_run_is_finished() -> None:
    """The table is written when every shard has its part."""
    names = frozenset({"shards/00000/tally.json"})
    assert steps(state(some_shards("landed"), names=names)) == ["write-output"]


@pytest.mark.parametrize(
    ("kinds", "expected"),
    [
        (["new", "parked", "not_created"], ["parse shards/00000"]),
        (["lost", "new"], ["submit shards/00000"]),
        (["foreign", "new"], ["submit shards/00000"]),
        (["open", "new"], []),
        (["failed"], ["parse shards/00000"]),
    ],
)
def test_a_cancelled_run_sends_nothing_new(
    kinds: list[str], expected: list[str]
) -> None:
    """Only what may exist already is looked for, and what is open is waited for."""
    cancelled = state(some_shards(*kinds), cancelled=True)
    assert steps(cancelled)[:1] == expected


@given(
    kinds=st.lists(st.sampled_from(LIFE), min_size=1, max_size=8),
    max_in_flight=st.integers(1, 4),
    cancelled=st.booleans(),
    data=st.data(),
)
def test_no_step_breaks_a_rule(
    kinds: list[str],
    max_in_flight: int,
    cancelled: bool,  # noqa: FBT001 - drawn
    data: st.DataObject,
) -> None:
    """Whatever the state: no settled shard is sent, and no more than may be open."""
    shards = some_shards(*kinds)
    paths = [each.path for each in shards]
    paused = data.draw(st.frozensets(st.sampled_from(paths)))
    found = next_steps(
        state(shards, cancelled=cancelled),
        job(max_in_flight=max_in_flight, max_rounds=0),
        paused=paused,
    )
    sent = [step.shard for step in found if step.kind == "submit"]
    assert len(set(sent)) == len(sent)
    by_path = dict(zip(paths, kinds, strict=True))
    assert not any(by_path[path] in {*SETTLED, "open"} for path in sent)
    assert not paused & set(sent)
    lost = [path for path in sent if by_path[path] in {"lost", "foreign"}]
    fresh = [path for path in sent if path not in lost]
    assert not (cancelled and fresh)
    if fresh:
        assert kinds.count("open") + len(sent) <= max_in_flight
    if any(step.kind in {"parse", "write-output"} for step in found):
        waiting = {"open", "lost", "foreign"}
        assert not waiting & set(kinds)


@pytest.mark.parametrize(
    ("ends", "limit"),
    [
        ([], 9),
        ([("parked", 3)], 3),
        ([("parked", 0)], 1),
        ([("parked", 3), ("landed", 0)], 4),
        ([("landed", 0), ("parked", 3)], 3),
        ([("parked", 3), ("parked", 5)], 3),
        ([("parked", 8), ("landed", 0), ("landed", 0)], 9),
        ([("failed", 0), ("gone", 0), ("not_created", 0)], 9),
    ],
)
def test_the_limit_follows_what_was_refused(
    ends: list[tuple[str, int]], limit: int
) -> None:
    """A refusal lowers it to what was open then; each batch that landed raises it."""
    shards = [
        one_shard(f"shards/{index:05}", kind, index, in_flight=open_then)
        for index, (kind, open_then) in enumerate(ends)
    ]
    assert in_flight_limit(state(shards), 9) == limit


@pytest.mark.parametrize(
    ("limit", "tokens", "open_shards", "fit"),
    [
        (None, 50, 1, 4),  # nobody said anything
        (200, 50, 1, 3),  # 50 tokens in 100 bytes, as the landed one had
        (200, 0, 1, 4),  # not known yet: a quarter of the bytes
        (100, 0, 1, 3),
        (40, 50, 0, 1),  # one alone is tried though it seems too large
        (40, 50, 1, 0),
        (1000, 50, 1, 4),
    ],
)
def test_a_named_limit_lets_in_what_fits(
    limit: int | None, tokens: int, open_shards: int, fit: int
) -> None:
    """Tokens are estimated from the bytes and usage of what has landed."""
    refused = one_shard("shards/00000", "parked", 1, token_limit=limit)
    landed = one_shard("shards/00001", "landed", 2, input_tokens=tokens)
    others = [
        one_shard(f"shards/{index:05}", "open") for index in range(2, 2 + open_shards)
    ]
    waiting = [one_shard(f"shards/{index:05}", "new") for index in range(5, 9)]
    of = state([refused, landed, *others, *waiting])
    assert under_token_limit(of, waiting) == waiting[:fit]
