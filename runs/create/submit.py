"""Create the batch of a run's shard exactly once."""

from __future__ import annotations

from ...data.custom_id import parse_row_id
from ...errors import ProviderError
from ...models import Batch, Intent
from ..decide.budget import reservation_usd
from ..directory.access import Known
from ..directory.attempts import Attempt
from ..directory.catalog import recorded_beside
from ..directory.deadline import is_late
from ..directory.records import NO_CAPACITY
from ..directory.run import Run
from ..directory.shard import Shard
from ..events import emit
from ..pause import patiently
from .claim import NewBatch, create_batch
from .reconcile import reconcile

__all__ = ["known_of", "submit_shard", "token_of"]


def submit_shard(run: Run, path: str) -> Batch | None:
    """Create the shard's next batch, or find the one of a lost call.

    Safe to repeat: a shard whose batch is on record is left alone.

    Returns:
        The shard's newest batch; None where the run was cancelled, its deadline has
        passed, or the provider has no capacity for it now.

    Raises:
        RunBusyError: Another process is creating this shard's batch.
        ProviderError: The provider refused for good, or for too long.
    """
    return patiently(lambda: _submit(run, path), "Creating a batch", settles=True)


def _submit(run: Run, path: str) -> Batch | None:
    """Try once; a lost call is settled, and then tried again at once."""
    while True:
        shard = run.shard(path)
        if shard.is_settled or shard.is_open:
            return shard.last.batch if shard.last else None
        if not shard.is_lost:
            attempt = _create(run, shard)
            return attempt.batch if attempt else None
        attempt = _find_again(run, shard)
        if attempt.batch is not None:
            return attempt.batch


def _create(run: Run, shard: Shard) -> Attempt | None:
    name = f"{shard.path}/requests.jsonl"
    job = run.job_at(shard.plan.round)
    with run.as_made(name, shard.plan.digest) as requests:
        try:
            attempt = create_batch(
                shard.attempts,
                NewBatch(
                    path=requests,
                    token=token_of(run, shard.path),
                    requests=shard.plan.requests,
                    bytes=shard.plan.bytes,
                    digest=shard.plan.digest,
                    endpoint=job.template.endpoint,
                    model=job.template.model,
                    metadata=job.job.metadata,
                    completion_window=job.job.completion_window,
                    reserved_usd=reservation_usd(job, shard.plan),
                ),
                run.provider(),
                known=known_of(run, shard),
                wanted=lambda: (
                    not (is_late(run) or run.directory.exists("cancelled.json"))
                ),
                progress=lambda done, total: emit(
                    "uploading", shard=shard.path, done=done, total=total
                ),
            )
        except ProviderError as exc:
            if exc.code != NO_CAPACITY:
                raise
            emit("parked", shard=shard.path, text=str(exc))
            return None
    if attempt and attempt.batch:
        emit(
            "submitted",
            shard=shard.path,
            batch_id=attempt.batch.id,
            done=shard.plan.requests,
        )
    return attempt


def _find_again(run: Run, shard: Shard) -> Attempt:
    nonce, fmt = run.plan().nonce, run.format

    def owns(line: bytes) -> bool:
        found = parse_row_id(fmt.decode(line).custom_id, nonce)
        return found is not None and shard.plan.owns(*found)

    provider = run.provider()

    def again(intent: Intent) -> Batch:
        with run.as_made(f"{shard.path}/requests.jsonl", shard.plan.digest) as requests:
            return provider.create(requests, intent)

    return reconcile(
        shard.attempts,
        provider,
        owns=owns,
        recorded=lambda: recorded_beside(run.directory),
        own=known_of(run, shard).batch_ids,
        again=again,
    )


def token_of(run: Run, path: str) -> str:
    """Return how the tokens of a shard's attempts begin; `-` and a number follow."""
    return f"{run.plan().nonce}-{path.replace('/', '-')}"


def known_of(run: Run, shard: Shard) -> Known:
    """Return batches of the run to check the account by, and that account.

    Those of the first shard and of this one are enough, and cheap to read.
    """
    first = run.shard("shards/00000").attempts
    attempts = first.all + shard.attempts.all
    account = attempts[0].intent.account if attempts else None
    return Known(first.own_batch_ids | shard.attempts.own_batch_ids, account)
