"""Tests of `runs.holds`: what is not sent yet, and until when."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from batchwright.data.job import BatchJob
from batchwright.models import Account, Intent
from batchwright.runs.decide.backoff import paused_shards
from batchwright.runs.decide.steps import Step
from batchwright.runs.directory.attempts import Attempt
from batchwright.runs.directory.records import Ended, RoundPlan, ShardPlan, Verdict
from batchwright.runs.directory.run import Run
from batchwright.runs.drive import perform
from batchwright.runs.open import open_run

MODELS = {"openai": "gpt-5-mini", "anthropic": "claude-sonnet-4-5"}
BOTH = pytest.mark.parametrize("provider", list(MODELS))
FIRST, SECOND = "shards/00000", "shards/00001"
CLAIM_SECONDS = 60 + 600 + 60
"""After which no call of a claim can be alive, as the settings here have it."""


@pytest.fixture(autouse=True)
def _settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for vendor in ("OPENAI", "ANTHROPIC"):
        monkeypatch.setenv(f"{vendor}_API_KEY", "nobody")
    monkeypatch.setenv("BATCHWRIGHT_POLL_SECONDS", "10")
    monkeypatch.setenv("BATCHWRIGHT_MAX_POLL_SECONDS", "60")
    monkeypatch.setenv("BATCHWRIGHT_ROUND_SECONDS", "10")
    monkeypatch.setenv("BATCHWRIGHT_SETTLE_SECONDS", "60")


def generated(folder: Path, url: str, provider: str = "openai") -> Run:
    """Return a run of two shards whose request files are written."""
    (folder / "in.csv").write_text("text\none\ntwo\n", encoding="utf-8")
    job = BatchJob(
        input=str(folder / "in.csv"),
        output=str(folder / "out.jsonl"),
        prompt="{{ text }}",
        model=MODELS[provider],
        max_requests_per_batch=1,
    )
    run = open_run(job, url)
    perform(run, [Step("generate")])
    return run


def claim(run: Run, path: str) -> Attempt:
    """Claim the next attempt of a shard."""
    intent = Intent(
        token="t",
        claimed_at=datetime.now(UTC),
        requests=1,
        bytes=1,
        digest="",
        endpoint="",
        account=Account(base_url=""),
    )
    return run.shard(path).attempts.claim(intent)


def end(run: Run, path: str, verdict: Verdict, at: datetime) -> None:
    """Put an attempt on record that ended so."""
    run.shard(path).attempts.close(claim(run, path), Ended(verdict=verdict, at=at))


def paused(run: Run) -> tuple[list[str], datetime | None]:
    """Return what is paused, and until when."""
    shards, until = paused_shards(run, run.state())
    return sorted(shards), until


@pytest.mark.parametrize(("times", "seconds"), [(1, 20), (2, 40), (3, 60), (9, 60)])
def test_a_parked_unit_pauses_longer_each_time(
    times: int, seconds: int, tmp_path: Path
) -> None:
    """Up to the longest pause between two looks; the other shards go on."""
    run = generated(tmp_path, str(tmp_path / "run"))
    now = datetime.now(UTC)
    for _ in range(times):
        end(run, FIRST, Verdict.PARKED, now)
    assert paused(run) == ([FIRST], now + timedelta(seconds=seconds))


@pytest.mark.parametrize(("after_seconds", "shards"), [(-1, [FIRST]), (1, [])])
def test_a_batch_that_lands_ends_the_pause(
    after_seconds: int,
    shards: list[str],
    tmp_path: Path,
) -> None:
    """Capacity is free again; what landed before says nothing."""
    run = generated(tmp_path, str(tmp_path / "run"))
    now = datetime.now(UTC)
    end(run, FIRST, Verdict.PARKED, now)
    end(run, SECOND, Verdict.DOWNLOADED, now + timedelta(seconds=after_seconds))
    assert paused(run)[0] == shards


def test_a_pause_that_is_over_holds_nothing(tmp_path: Path) -> None:
    """A run that is resumed the next day goes on at once."""
    run = generated(tmp_path, str(tmp_path / "run"))
    end(run, FIRST, Verdict.PARKED, datetime.now(UTC) - timedelta(days=1))
    assert paused(run) == ([], None)


@pytest.mark.parametrize(("number", "seconds"), [(1, 10), (2, 20), (3, 40)])
def test_rounds_are_further_and_further_apart(
    number: int, seconds: int, tmp_path: Path
) -> None:
    """What failed for a passing reason is given time for it to pass."""
    run = generated(tmp_path, str(tmp_path / "run"))
    for path in (FIRST, SECOND):
        end(run, path, Verdict.DOWNLOADED, datetime.now(UTC))
    now = datetime.now(UTC)
    for each in range(1, number + 1):
        path = f"rounds/{each}/00000"
        shard = ShardPlan(path=path, requests=1, bytes=1, digest="")
        plan = RoundPlan(number=each, shards=(shard,), created_at=now)
        name = f"rounds/{each}/plan.json"
        run.directory.write(name, plan.model_dump_json().encode())
        if each < number:
            end(run, path, Verdict.DOWNLOADED, now)
    assert paused(run) == ([f"rounds/{number}/00000"], now + timedelta(seconds=seconds))


@BOTH
def test_a_local_claim_is_looked_into_at_once(provider: str, tmp_path: Path) -> None:
    """The kernel's lock says that its process is dead."""
    run = generated(tmp_path, str(tmp_path / "run"), provider)
    claim(run, FIRST)
    assert paused(run) == ([], None)


def test_a_claim_on_shared_storage_may_be_alive(tmp_path: Path) -> None:
    """It is left alone for as long as its call can last, by the storage's clock."""
    run = generated(tmp_path, f"memory://{tmp_path}/run")
    claim(run, FIRST)
    shards, until = paused(run)
    assert shards == [FIRST]
    assert until is not None
    left_seconds = (until - datetime.now(UTC)).total_seconds()
    assert CLAIM_SECONDS - 5 < left_seconds <= CLAIM_SECONDS


def test_anthropic_waits_for_another_machine_s_claim(tmp_path: Path) -> None:
    """Its batches are told apart by when they were made, so one is made at a time."""
    run = generated(tmp_path, f"memory://{tmp_path}/run", "anthropic")
    claim(run, FIRST)
    shards, until = paused(run)
    assert shards == [FIRST, SECOND]
    assert until is not None
