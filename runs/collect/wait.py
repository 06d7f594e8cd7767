"""Wait until batches are over: those of a run, or a single one."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from typing import TypeVar

from ...models import Batch, BatchStatus
from ...providers import Provider, get_vendor
from ...settings import get_settings
from ..directory.deadline import is_late
from ..directory.run import Run, RunState
from ..events import emit
from ..pause import growing, patiently, pause
from .poll import Poller

__all__ = ["look_at_shards", "wait_for_batch", "wait_for_shards"]

T = TypeVar("T")

_SANDBOX_SHARE = 0.1
"""Of the first pause: a run's own sandbox answers at once, and on this machine."""


def wait_for_shards(
    run: Run, until: datetime | None = None, *, poller: Poller | None = None
) -> frozenset[str]:
    """Return the shards whose batch is over, as soon as there are any.

    Time alone never ends or cancels a batch. Returns none at `until`, where another
    process has downloaded one of them, and where there is nothing to wait for.
    """
    poller = poller or Poller(run.provider())
    awaited: set[str] = set()

    def look() -> tuple[frozenset[str] | None, int]:
        nonlocal awaited
        state = run.state()
        still_open = {shard.path for shard in state.open_shards}
        if awaited - still_open or not (still_open or until):
            return frozenset(), 0
        awaited = still_open
        ended, done = look_at_shards(run, state, poller)
        return ended or None, done

    first_seconds = get_settings().poll_seconds
    if run.job.synthetic:
        first_seconds *= _SANDBOX_SHARE
    return _wait(look, until, first_seconds) or frozenset()


def wait_for_batch(provider: Provider, batch_id: str) -> Batch:
    """Return the batch once the provider is done with it; never cancels it."""

    def look() -> tuple[Batch | None, int]:
        batch = patiently(lambda: provider.retrieve(batch_id), f"Looking at {batch_id}")
        if batch.status.is_final:
            return batch, 0
        counts = batch.counts
        emit("waiting", batch_id=batch_id, done=counts.done, total=counts.total)
        return None, counts.done

    batch = _wait(look, None, get_settings().poll_seconds)
    if batch is None:
        raise AssertionError("a wait without an end finds something")
    return batch


def _wait(
    look: Callable[[], tuple[T | None, int]],
    until: datetime | None,
    first_seconds: float,
) -> T | None:
    """Look until something is found, or it is `until`.

    Pauses start with `first_seconds` and grow with jitter; they start over when `look`,
    which also returns the number of requests done, shows progress.
    """
    most_seconds = get_settings().max_poll_seconds
    before = -1
    while True:
        found, done = look()
        if found is not None:
            return found
        if done != before:
            before = done
            pauses = growing(first_seconds, most_seconds)
        seconds = next(pauses)
        if until is not None:
            left = (until - datetime.now(UTC)).total_seconds()
            if left <= 0:
                return None
            seconds = min(seconds, left)
        pause(seconds)


def look_at_shards(
    run: Run, state: RunState, poller: Poller
) -> tuple[frozenset[str], int]:
    """Look once; return the shards that are over, and requests done in all.

    Batches that still run are cancelled if the run was, or its deadline has passed.
    Shards whose results the
    provider did not show are left out until it is time to look again.
    """
    now = datetime.now(UTC)
    open_shards = {
        shard.last.batch.id: (shard.path, shard.last.created_at)
        for shard in state.open_shards
        if shard.last
        and shard.last.batch
        and (shard.next_look_at is None or shard.next_look_at <= now)
    }
    if not open_shards:
        return frozenset(), 0
    seen = poller.look({key: created for key, (_, created) in open_shards.items()})
    batches = tuple(batch for batch in seen.values() if batch)
    can_cancel = get_vendor(run.job.provider).can_cancel
    if can_cancel and (state.cancelled or is_late(run)):
        running = [each for each in batches if each.status is BatchStatus.IN_PROGRESS]
        if running and not state.cancelled:
            text = f"The deadline has passed: cancelling {len(running):,} batches."
            emit("notice", text=text)
        for batch in running:
            cancel = partial(run.provider().cancel, batch.id)
            patiently(cancel, f"Cancelling {batch.id}")
    shards = state.shards.values()
    done = sum(shard.plan.requests for shard in shards if shard.is_settled)
    done += sum(batch.counts.done for batch in batches)
    emit(
        "waiting",
        done=done,
        total=sum(shard.plan.requests for shard in shards),
        text=str(len(open_shards)),
        batches=batches,
    )
    ended = frozenset(
        open_shards[batch_id][0]
        for batch_id, batch in seen.items()
        if batch is None or batch.status.is_final
    )
    return ended, done
