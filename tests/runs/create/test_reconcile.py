"""Tests of `runs.reconcile`: a claim whose answer nobody saw is settled first.

Each run here died between its claim and the record of the batch, by construction.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import httpx2
import pytest

from batchwright.data.job import BatchJob
from batchwright.errors import CreationUnknownError, RunBusyError
from batchwright.models import Account, Intent, Outcome
from batchwright.runs.create.claim import NewBatch, create_batch
from batchwright.runs.decide.steps import Step
from batchwright.runs.directory.attempts import Attempt, Attempts, Records
from batchwright.runs.directory.records import Verdict
from batchwright.runs.directory.run import Run
from batchwright.runs.directory.storage import Directory
from batchwright.runs.drive import cancel_run, drive, perform
from batchwright.runs.open import open_run
from batchwright.sandbox import Sandbox

MODELS = {"openai": "gpt-5-mini", "anthropic": "claude-sonnet-4-5"}
BOTH = pytest.mark.parametrize("provider", list(MODELS))
EACH = 3
"""Requests in each shard."""


def generated(folder: Path, provider: str, shards: int = 1) -> Run:
    """Return a run whose request files are written."""
    rows = [f"text {row}" for row in range(shards * EACH)]
    (folder / "in.csv").write_text("\n".join(["text", *rows]) + "\n", "utf-8")
    job = BatchJob(
        input=str(folder / "in.csv"),
        output=str(folder / "out.jsonl"),
        prompt="Say something about {{ text }}",
        model=MODELS[provider],
        max_requests_per_batch=EACH,
    )
    run = open_run(job, str(folder / "runs/one"))
    perform(run, [Step("generate")])
    return run


def claim(run: Run, path: str = "shards/00000") -> Intent:
    """Die right after the claim of a shard."""
    provider = run.provider()
    shard = run.shard(path)
    requests = run.directory.local_path(f"{path}/requests.jsonl")
    intent = Intent(
        token=f"{run.plan().nonce}-{path.replace('/', '-')}-0",
        claimed_at=datetime.now(UTC),
        requests=shard.plan.requests,
        bytes=shard.plan.bytes,
        digest=shard.plan.digest,
        endpoint=run.job.template.endpoint,
        account=provider.account(),
        input_file_id=provider.upload(requests),
    )
    shard.attempts.claim(intent)
    return intent


def create(run: Run, intent: Intent, path: str = "shards/00000") -> str:
    """Die right after the batch of a claim was made."""
    requests = run.directory.local_path(f"{path}/requests.jsonl")
    return run.provider().create(requests, intent).id


def stranger(sandbox: Sandbox) -> str:
    """Make a batch of the same size, as another client of the account does."""
    params = {
        "model": MODELS["anthropic"],
        "max_tokens": 10,
        "messages": [{"role": "user", "content": "hi"}],
    }
    requests = [
        {"custom_id": f"theirs-{number}", "params": params} for number in range(EACH)
    ]
    response = httpx2.post(
        f"{sandbox.anthropic_base_url}/v1/messages/batches",
        headers={"x-api-key": sandbox.api_key, "anthropic-version": "2023-06-01"},
        json={"requests": requests},
    )
    return str(response.raise_for_status().json()["id"])


def ours(sandbox: Sandbox, run: Run) -> list[str]:
    """Return the first request of each batch that holds requests of the run."""
    nonce = run.plan().nonce
    ids = [batch.first_custom_id or "" for batch in sandbox.batches()]
    return sorted(each for each in ids if each.startswith(nonce))


@BOTH
@pytest.mark.parametrize("batches", [0, 1])
def test_a_claim_without_a_batch_is_settled(
    provider: str, batches: int, sandbox: Sandbox, tmp_path: Path
) -> None:
    """A batch that exists is found, in an account that was empty before too."""
    run = generated(tmp_path, provider)
    intent = claim(run)
    assert intent.account.newest_batch_id is None
    made = [create(run, intent) for _ in range(batches)]
    report = drive(run, wait=True)
    assert report.outcomes == {Outcome.SUCCEEDED: EACH}
    assert len(ours(sandbox, run)) == 1
    if made:
        assert [line.batch_id for line in report.batches] == made


@pytest.mark.parametrize("others", [1, 2])
@pytest.mark.parametrize("made", ["before", "after", "never"])
def test_another_client_changes_nothing(
    made: str, others: int, sandbox: Sandbox, tmp_path: Path
) -> None:
    """Anthropic's batches of the same size and moment are told apart by their IDs."""
    run = generated(tmp_path, "anthropic")
    intent = claim(run)
    if made == "before":
        create(run, intent)
    theirs = {stranger(sandbox) for _ in range(others)}
    if made == "after":
        create(run, intent)
    report = drive(run, wait=True)
    assert report.outcomes == {Outcome.SUCCEEDED: EACH}
    assert len(ours(sandbox, run)) == 1
    landed = [each for each in report.batches if each.provider_status == "ended"]
    assert len(landed) == 1
    assert landed[0].batch_id not in theirs


def test_a_baseline_that_is_gone_hides_nothing(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    """Without the batch that was newest before, the whole list is read."""
    run = generated(tmp_path, "anthropic")
    baseline = stranger(sandbox)
    sandbox.settle()
    intent = claim(run)
    assert intent.account.newest_batch_id == baseline
    made = create(run, intent)
    httpx2.delete(
        f"{sandbox.anthropic_base_url}/v1/messages/batches/{baseline}",
        headers={"x-api-key": sandbox.api_key, "anthropic-version": "2023-06-01"},
    ).raise_for_status()
    report = drive(run, wait=True)
    assert report.outcomes == {Outcome.SUCCEEDED: EACH}
    assert [line.batch_id for line in report.batches] == [made]


@BOTH
def test_lost_batches_of_one_run_are_not_mixed_up(
    provider: str, sandbox: Sandbox, tmp_path: Path
) -> None:
    """Of two lost batches of the same size, each goes to its own shard."""
    run = generated(tmp_path, provider, shards=2)
    paths = ["shards/00000", "shards/00001"]
    intents = [claim(run, path) for path in paths]
    made = [
        create(run, intent, path) for path, intent in zip(paths, intents, strict=True)
    ]
    report = drive(run, wait=True)
    assert report.outcomes == {Outcome.SUCCEEDED: 2 * EACH}
    assert [line.batch_id for line in report.batches] == made


def test_a_batch_of_a_neighbour_is_not_ours(sandbox: Sandbox, tmp_path: Path) -> None:
    """What another run under the same root has on record is no candidate."""
    run = generated(tmp_path, "anthropic")
    claim(run)
    neighbour = Directory(str(tmp_path / "runs/two"))
    neighbour.write("job.json", b"{}")
    data = b'{"id": "%s"}' % stranger(sandbox).encode()
    neighbour.write("shards/00000/attempts/000.batch.json", data)
    report = drive(run, wait=True)
    assert report.outcomes == {Outcome.SUCCEEDED: EACH}
    verdicts = [
        attempt.ended.verdict
        for attempt in run.shard("shards/00000").attempts.all
        if attempt.ended
    ]
    assert verdicts == [Verdict.NOT_CREATED, Verdict.DOWNLOADED]


def test_a_crash_after_a_foreign_batch_was_let_go_costs_nothing(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    """The search for the real batch goes on in the next process."""

    def die_after_landing(run: Run, steps: Sequence[Step]) -> None:
        for step in steps:
            perform(run, [step])
            if step.kind == "download":
                raise KeyboardInterrupt

    run = generated(tmp_path, "anthropic")
    intent = claim(run)
    their = stranger(sandbox)
    shard = run.shard("shards/00000")
    (attempt,) = shard.attempts.all
    their_batch = run.provider().retrieve(their)
    shard.attempts.record(attempt, their_batch, provisional=True)
    made = create(run, intent)
    with pytest.raises(KeyboardInterrupt):
        drive(run, wait=True, perform=die_after_landing)
    report = drive(Run.load(run.directory.url), wait=True)
    assert report.outcomes == {Outcome.SUCCEEDED: EACH}
    assert [line.batch_id for line in report.batches] == [their, made]
    assert len(ours(sandbox, run)) == 1


@BOTH
def test_a_lost_claim_of_a_cancelled_run_buys_nothing(
    provider: str, sandbox: Sandbox, tmp_path: Path
) -> None:
    """It is looked for, since it may have been paid for, and never made up for."""
    run = generated(tmp_path, provider)
    claim(run)
    cancel_run(run.directory.url)
    report = drive(run, wait=True)
    assert report.outcomes == {Outcome.CANCELLED: EACH}
    assert sandbox.created() == 0


def test_an_attempt_is_claimed_once(sandbox: Sandbox, tmp_path: Path) -> None:
    """The second process of two that read the same state is told so."""
    run = generated(tmp_path, "openai")
    stale = run.shard("shards/00000").attempts
    intent = claim(run)
    with pytest.raises(RunBusyError, match="nothing was sent"):
        stale.claim(intent)


def test_an_old_claim_sends_nothing(
    sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A machine that slept after its claim may have been given up for dead."""
    monkeypatch.setenv("BATCHWRIGHT_SETTLE_SECONDS", "1e-9")
    run = generated(tmp_path, "openai")
    shard = run.shard("shards/00000")
    new = NewBatch(
        path=run.directory.local_path(f"{shard.path}/requests.jsonl"),
        token="old",
        requests=shard.plan.requests,
        bytes=shard.plan.bytes,
        digest=shard.plan.digest,
        endpoint=run.job.template.endpoint,
    )
    with pytest.raises(CreationUnknownError, match=r"old-0 is .* resume the run"):
        create_batch(shard.attempts, new, run.provider())
    assert run.shard(shard.path).is_lost
    assert sandbox.created() == 0


def test_attempts_are_counted_beyond_a_thousand(tmp_path: Path) -> None:
    """A batch that found no capacity for days is still claimed in order."""
    directory = Directory(str(tmp_path))
    attempts = Attempts(directory, "attempts/")
    intent = Intent(
        token="t",
        claimed_at=datetime.now(UTC),
        requests=1,
        bytes=1,
        digest="",
        endpoint="",
        account=Account(base_url=""),
    )
    attempts.all = [Attempt(998, intent)]
    for _ in range(3):
        attempts.claim(intent)
    names = directory.at("attempts").names()
    read = Attempts.read(
        Records(directory), "attempts/", [f"attempts/{name}" for name in names]
    )
    assert [each.number for each in read.all] == [999, 1000, 1001]
