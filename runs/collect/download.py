"""Download all that an ended batch holds, and record that it is on disk."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path

from ...errors import ResultsGoneError, UnknownBatchError
from ...models import Batch, BatchStatus, EventKind
from ...providers import Provider
from ..directory.access import Known, checked_account
from ..directory.attempts import Attempt
from ..directory.records import Ended, Verdict
from ..directory.run import Run, Shard
from ..events import emit
from ..pause import patiently
from .scan import scan_results

__all__ = ["download_shard"]

_NO_CAPACITY = "token_limit_exceeded"
_LIMIT = re.compile(r"\bLimit: ([\d,]+) enqueued tokens")


def download_shard(run: Run, path: str) -> None:
    """Download the results of the shard's batch, and close the attempt.

    Safe to repeat at any point: every file is replaced by the same one. A batch that
    still runs is left alone.

    Raises:
        ScopeError: The key does not see the run's batches.
        ProviderError: The results cannot be had now; nothing is concluded.
    """
    shard = run.shard(path)
    attempt = shard.last
    if attempt is None or attempt.batch is None or attempt.ended is not None:
        return
    provider = run.provider()
    batch: Batch = attempt.batch
    with run.directory.scratch() as scratch:
        output = scratch / "output.jsonl"

        def fetch() -> None:
            nonlocal batch
            batch = provider.retrieve(batch.id)  # each try looks anew
            if batch.status is BatchStatus.ENDED:
                provider.download(
                    batch,
                    output,
                    lambda done, total: emit(
                        "downloading", shard=path, done=done, total=total
                    ),
                )

        try:
            patiently(fetch, f"The download of {batch.id}")
        except UnknownBatchError as exc:
            _check_account(run, attempt, provider)
            _close_gone(shard, attempt, batch, exc)
        except ResultsGoneError as exc:
            _close_gone(shard, attempt, batch, exc)
        else:
            if batch.status is BatchStatus.FAILED:
                _close_refused(run, shard, attempt, batch)
            elif batch.status.is_final:
                _keep(run, shard, attempt, batch, output)


def _keep(run: Run, shard: Shard, attempt: Attempt, batch: Batch, output: Path) -> None:
    """Check the results, and put them where they belong: a round's to each shard."""
    plan = run.plan()
    scan = scan_results(
        output,
        run.format,
        plan,
        model=run.job.template.model,
        shard=shard.plan,
        sort_into=output.parent if shard.path.startswith("rounds/") else None,
    )
    provisional = attempt.batch is not None and attempt.batch.provisional
    if provisional and scan.lines and not scan.ours:
        ended = Ended(
            verdict=Verdict.NOT_OURS,
            at=datetime.now(UTC),
            text=f"The results of {batch.id} answer other requests than ours.",
        )
        _close(shard, attempt, batch, ended)
        return
    name = f"{shard.path.replace('/', '-')}-{attempt.number:03}.jsonl"
    for index, file in scan.by_shard.items():
        run.directory.adopt(file, f"{plan.shards[index].path}/results/{name}")
    run.directory.adopt(output, shard.output_name)
    ended = Ended(
        verdict=Verdict.DOWNLOADED,
        batch=batch,
        at=datetime.now(UTC),
        lines=scan.lines,
        again=scan.again,
        outcomes=dict(scan.outcomes),
        input_tokens=scan.input_tokens,
        output_tokens=scan.output_tokens,
        cost_usd=scan.cost_usd,
    )
    _close(shard, attempt, batch, ended, "downloaded")


def _check_account(run: Run, attempt: Attempt, provider: Provider) -> None:
    """Tell a batch that is gone from a key that may not see it."""
    own = {
        batch_id
        for shard in run.state().shards.values()
        for batch_id in shard.attempts.own_batch_ids
    }
    known = Known(own - {attempt.batch and attempt.batch.id}, attempt.intent.account)
    patiently(lambda: checked_account(provider, known), "Looking at the account")


def _close_refused(run: Run, shard: Shard, attempt: Attempt, batch: Batch) -> None:
    """Close an attempt of which nothing ran: for lack of capacity, or for good."""
    parked = any(error.code == _NO_CAPACITY for error in batch.errors)
    text = "; ".join(error.message for error in batch.errors[:3]) or "no reason given"
    limit = _LIMIT.search(text)
    ended = Ended(
        verdict=Verdict.PARKED if parked else Verdict.FAILED,
        batch=batch,
        at=datetime.now(UTC),
        in_flight=len(run.state().open_shards) - 1,
        token_limit=int(limit[1].replace(",", "")) if parked and limit else None,
        text=text,
    )
    _close(shard, attempt, batch, ended, "parked" if parked else "ended")


def _close_gone(shard: Shard, attempt: Attempt, batch: Batch, why: Exception) -> None:
    ended = Ended(
        verdict=Verdict.GONE,
        batch=batch,
        at=datetime.now(UTC),
        cost_usd=None,
        text=str(why),
    )
    _close(shard, attempt, batch, ended)


def _close(
    shard: Shard,
    attempt: Attempt,
    batch: Batch,
    ended: Ended,
    kind: EventKind = "notice",
) -> None:
    shard.attempts.close(attempt, ended)
    emit(
        kind,
        shard=shard.path,
        batch_id=batch.id,
        done=ended.lines,
        text=ended.text or batch.provider_status,
    )
