"""Get a request file to the provider exactly once: of a run, or on its own."""

from __future__ import annotations

import time

from ...data.custom_id import parse_row_id
from ...errors import CreationUnknownError, ProviderError
from ...models import Batch
from ...settings import get_settings
from ..decide.budget import reservation_usd
from ..directory.attempts import Attempt
from ..directory.catalog import parent, recorded_under
from ..directory.run import Run, Unit
from ..events import emit
from ..pause import growing, pause
from .claim import Known, RequestFile, create_batch
from .reconcile import reconcile

__all__ = ["submit_unit"]


def submit_unit(run: Run, path: str, *, wait: bool = True) -> Batch | None:
    """Create the unit's next batch, or find the one of a lost call.

    Safe to repeat: a unit whose batch is on record is left alone.

    Args:
        run: The run.
        path: The unit, `shards/00000`.
        wait: Whether to look for a lost batch as long as it takes.

    Returns:
        The unit's open batch; None where a lost one needs another look later, or
        the run was cancelled.

    Raises:
        RunBusyError: Another process is creating this unit's batch.
        ProviderError: The provider refused for good, or for too long.
    """
    settings = get_settings()
    deadline = time.monotonic() + settings.patience_seconds
    said = False
    for seconds in growing(settings.retry_seconds, settings.max_poll_seconds):
        unit = run.unit(path)
        if unit.is_settled or unit.is_open:
            return unit.last.batch if unit.last else None
        if unit.is_lost:
            attempt = _find_again(run, unit, wait=wait)
        else:
            try:
                attempt = _create(run, unit)
            except ProviderError as exc:
                if not exc.retryable or time.monotonic() > deadline:
                    raise
                if not said:
                    said = True
                    text = f"Creating a batch failed and is tried again: {exc}"
                    emit("notice", unit=path, text=text)
                if not isinstance(exc, CreationUnknownError):
                    pause(max(seconds, exc.retry_after_seconds or 0))
                continue
        if attempt is None or attempt.batch is not None:
            return attempt.batch if attempt else None
    raise AssertionError("pauses never end")


def _create(run: Run, unit: Unit) -> Attempt | None:
    file = RequestFile(
        token=f"{run.plan().nonce}-{unit.path.replace('/', '-')}",
        requests=unit.plan.requests,
        bytes=unit.plan.bytes,
        digest=unit.plan.digest,
        endpoint=run.job.template.endpoint,
        metadata=run.job.job.metadata,
        reserved_usd=reservation_usd(run, unit.plan),
    )
    with run.directory.local(f"{unit.path}/requests.jsonl") as requests:
        attempt = create_batch(
            unit.attempts,
            file,
            requests,
            run.provider(),
            known=_known(run, unit),
            wanted=lambda: not run.directory.exists("cancelled.json"),
            progress=lambda done, total: emit(
                "uploading", unit=unit.path, done=done, total=total
            ),
        )
    if attempt and attempt.batch:
        emit(
            "submitted",
            unit=unit.path,
            batch_id=attempt.batch.id,
            done=unit.plan.requests,
        )
    return attempt


def _find_again(run: Run, unit: Unit, *, wait: bool) -> Attempt | None:
    nonce = run.plan().nonce
    fmt = run.format

    def owns(line: bytes) -> bool:
        found = parse_row_id(fmt.decode(line).custom_id, nonce)
        return found is not None and unit.plan.owns(*found)

    return reconcile(
        unit.attempts,
        run.provider(),
        owns=owns,
        elsewhere=lambda: recorded_under(parent(run.directory)),
        recorded=_known(run, unit).batch_ids,
        wait=wait,
    )


def _known(run: Run, unit: Unit) -> Known:
    """Return batches of the run to check the account by, and that account.

    The first shard's and the unit's own are enough, and cheap to read.
    """
    first = run.unit("shards/00000")
    attempts = first.attempts.all + unit.attempts.all
    foreign = first.attempts.foreign_ids | unit.attempts.foreign_ids
    ids = (first.attempts.batch_ids | unit.attempts.batch_ids) - foreign
    account = attempts[0].intent.account if attempts else None
    return Known(batch_ids=ids, account=account)
