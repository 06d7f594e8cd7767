"""Wait for the run's open batches, with one poller for all of them."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import partial

from ...models import Batch, BatchStatus
from ...settings import get_settings
from ..directory.run import Run, RunState, Unit
from ..events import emit
from ..pause import growing, patiently, pause
from .poll import Poller

__all__ = ["look_at_units", "wait_for_units"]


def wait_for_units(
    run: Run, *, until: datetime | None = None, poller: Poller | None = None
) -> frozenset[str]:
    """Return the units whose batch is over, as soon as there are any.

    Pauses start short and grow with jitter; they start over when progress shows.
    Time alone never ends or cancels a batch. Returns none where, on a shared store,
    another process has landed one of them, or where there is nothing to wait for.

    Args:
        run: The run.
        until: Return by then, also with nothing.
        poller: Keeps its place in a long listing from one call to the next.
    """
    settings = get_settings()
    poller = poller or Poller(run.provider())
    before = -1
    pauses = growing(settings.poll_seconds, settings.max_poll_seconds)
    awaited: set[str] = set()
    while True:
        state = run.state()
        still_open = {unit.path for unit in state.open_units}
        if awaited - still_open or not (still_open or until):
            return frozenset()
        awaited = still_open
        ended, done = look_at_units(run, state, poller)
        if ended:
            return ended
        if done != before:
            before = done
            pauses = growing(settings.poll_seconds, settings.max_poll_seconds)
        seconds = next(pauses)
        if until is not None:
            left = (until - datetime.now(UTC)).total_seconds()
            if left <= 0:
                return frozenset()
            seconds = min(seconds, left)
        pause(seconds)


def look_at_units(
    run: Run, state: RunState, poller: Poller
) -> tuple[frozenset[str], int]:
    """Look once; return the units that are over, and requests done in all."""
    open_units = {
        unit.last.batch.id: unit
        for unit in state.open_units
        if unit.last and unit.last.batch
    }
    if not open_units:
        return frozenset(), 0
    created = {batch_id: _created_at(unit) for batch_id, unit in open_units.items()}
    seen = poller.look(created)
    if state.cancelled:
        _cancel_running(run, seen)
    done = sum(batch.counts.done for batch in seen.values() if batch)
    settled = [unit for unit in state.units.values() if unit.is_settled]
    done += sum(unit.plan.requests for unit in settled)
    total = sum(unit.plan.requests for unit in state.units.values())
    emit(
        "waiting",
        done=done,
        total=total,
        text=str(len(open_units)),
        batches=tuple(batch for batch in seen.values() if batch),
    )
    return frozenset(
        open_units[batch_id].path
        for batch_id, batch in seen.items()
        if batch is None or batch.status.is_final
    ), done


def _cancel_running(run: Run, seen: dict[str, Batch | None]) -> None:
    provider = run.provider()
    for batch_id, batch in seen.items():
        if batch and batch.status is BatchStatus.IN_PROGRESS:
            patiently(partial(provider.cancel, batch_id), f"Cancelling {batch_id}")


def _created_at(unit: Unit) -> datetime:
    last = unit.last
    if last is None:
        raise AssertionError("an open unit has an attempt")
    return (last.batch.created_at if last.batch else None) or last.intent.claimed_at
