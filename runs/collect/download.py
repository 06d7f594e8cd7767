"""Bring home all that an ended batch holds, and write down that it is home."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from ...errors import ResultsGoneError, UnknownBatchError
from ...models import Batch, BatchStatus
from ...providers import Provider
from ..create.claim import Known, check_scope
from ..directory.attempts import Attempt
from ..directory.records import Ended, Verdict
from ..directory.run import Run, Unit
from ..events import emit
from ..pause import patiently
from .scan import scan_results

__all__ = ["land_unit"]

_NO_CAPACITY = "token_limit_exceeded"
_LIMIT = re.compile(r"\bLimit: ([\d,]+) enqueued tokens")


def land_unit(run: Run, path: str, provider: Provider) -> Ended | None:
    """Download the results of the unit's batch, deal them out, close the attempt.

    Safe to repeat at any point: every file is replaced by the same one.

    Returns:
        How the attempt ended; None when the batch still runs.

    Raises:
        ScopeError: The key does not see the run's batches.
        ProviderError: The results cannot be had now; nothing is concluded.
    """
    unit = run.unit(path)
    attempt = unit.last
    if attempt is None or attempt.batch is None or attempt.ended is not None:
        return attempt.ended if attempt else None
    batch_id = attempt.batch.id
    try:
        batch = patiently(lambda: provider.retrieve(batch_id), "Looking at a batch")
    except UnknownBatchError as exc:
        _make_sure_of_account(run, attempt, provider)
        return _gone(unit, attempt, attempt.batch, str(exc))
    if batch.status is BatchStatus.FAILED:
        return _refused(run, unit, attempt, batch)
    if not batch.status.is_final:
        return None
    try:
        return _download(run, unit, attempt, batch, provider)
    except ResultsGoneError as exc:
        return _gone(unit, attempt, batch, str(exc))


def _download(
    run: Run, unit: Unit, attempt: Attempt, batch: Batch, provider: Provider
) -> Ended | None:
    def progress(done: int, total: int | None) -> None:
        emit("downloading", unit=unit.path, done=done, total=total)

    plan = run.plan()
    with run.directory.scratch() as scratch:
        output = scratch / "output.jsonl"
        patiently(
            lambda: provider.download(batch, output, progress),
            f"The download of {batch.id}",
        )
        scan = scan_results(
            output,
            provider,
            plan,
            model=run.job.template.model,
            unit=unit.plan,
            deal_to=scratch if unit.path.startswith("rounds/") else None,
        )
        if attempt.is_provisional and scan.lines and not scan.ours:
            return _foreign(unit, attempt, batch)
        stem = f"{unit.path.replace('/', '-')}-{attempt.number:03}.jsonl"
        for shard, file in scan.dealt.items():
            run.directory.adopt(file, f"{plan.shards[shard].path}/results/{stem}")
        name = f"{unit.path}/attempts/{attempt.number:03}.output.jsonl"
        run.directory.adopt(output, name)
    ended = Ended(
        verdict=Verdict.LANDED,
        batch=batch,
        at=datetime.now(UTC),
        lines=scan.lines,
        again=scan.again,
        outcomes=dict(scan.outcomes),
        input_tokens=scan.input_tokens,
        output_tokens=scan.output_tokens,
        cost_usd=scan.cost_usd,
    )
    unit.attempts.close(attempt, ended)
    emit(
        "landed",
        unit=unit.path,
        batch_id=batch.id,
        done=scan.lines,
        text=batch.provider_status,
    )
    return ended


def _make_sure_of_account(run: Run, attempt: Attempt, provider: Provider) -> None:
    """Tell a batch that is gone from a key that may not see it."""
    others = run.state().batch_ids - {attempt.batch.id if attempt.batch else ""}
    account = patiently(provider.account, "Looking at the account")
    known = Known(batch_ids=others, account=attempt.intent.account)
    check_scope(account, provider, known)


def _refused(run: Run, unit: Unit, attempt: Attempt, batch: Batch) -> Ended:
    """Close an attempt of which nothing ran: for lack of capacity, or for good."""
    parked = any(error.code == _NO_CAPACITY for error in batch.errors)
    text = "; ".join(error.message for error in batch.errors[:3]) or "no reason given"
    limit = _LIMIT.search(text)
    ended = Ended(
        verdict=Verdict.PARKED if parked else Verdict.FAILED,
        batch=batch,
        at=datetime.now(UTC),
        in_flight=len(run.state().open_units) - 1,
        token_limit=int(limit[1].replace(",", "")) if parked and limit else None,
        text=text,
    )
    unit.attempts.close(attempt, ended)
    emit("parked" if parked else "ended", unit=unit.path, batch_id=batch.id, text=text)
    return ended


def _foreign(unit: Unit, attempt: Attempt, batch: Batch) -> Ended:
    text = f"The results of {batch.id} answer other requests than ours."
    ended = Ended(verdict=Verdict.FOREIGN, at=datetime.now(UTC), text=text)
    unit.attempts.close(attempt, ended)
    emit("notice", unit=unit.path, batch_id=batch.id, text=text)
    return ended


def _gone(unit: Unit, attempt: Attempt, batch: Batch, text: str) -> Ended:
    ended = Ended(
        verdict=Verdict.GONE,
        batch=batch,
        at=datetime.now(UTC),
        cost_usd=None,
        text=text,
    )
    unit.attempts.close(attempt, ended)
    emit("notice", unit=unit.path, batch_id=batch.id, text=text)
    return ended
