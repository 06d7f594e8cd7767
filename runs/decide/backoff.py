"""Units that nothing is sent for yet, and until when."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from ...providers import get_vendor
from ...settings import get_settings
from ..directory.records import Ended, Verdict
from ..directory.run import Run, RunState, Unit

__all__ = ["held_units"]


def held_units(run: Run, state: RunState) -> tuple[frozenset[str], datetime | None]:
    """Return the units whose pause is not over, and when the first one is.

    A unit pauses after the provider had no capacity for it (longer each time,
    ended by any batch of the run that lands), before a further round, and while
    its claim may belong to a process that is alive on another machine.
    """
    now = datetime.now(UTC)
    until: dict[str, datetime] = {}
    landed = max(
        (ended.at for ended in _ends(state) if ended.verdict is Verdict.LANDED),
        default=None,
    )
    waiting = [
        unit for unit in state.units.values() if not (unit.is_settled or unit.is_open)
    ]
    for unit in waiting:
        moment = _until(run, state, unit, landed)
        if moment is not None and moment > now:
            until[unit.path] = moment
    claims = [
        until[unit.path] for unit in waiting if unit.is_lost and unit.path in until
    ]
    if claims and get_vendor(run.job.provider).creation == "candidates":
        # Its batches are told apart by when they were made: one claim at a time.
        for unit in waiting:
            until.setdefault(unit.path, min(claims))
    return frozenset(until), min(until.values(), default=None)


def _until(
    run: Run, state: RunState, unit: Unit, landed: datetime | None
) -> datetime | None:
    settings = get_settings()
    if unit.is_lost:
        return None if run.directory.is_local else _claim_over(run, unit)
    if unit.last is None:
        if not unit.path.startswith("rounds/"):
            return None
        number = int(unit.path.split("/")[1])
        pause = min(settings.round_seconds * 2 ** (number - 1), 3600)
        return state.rounds[number - 1].created_at + timedelta(seconds=pause)
    ended = unit.last.ended
    if ended is None or ended.verdict is not Verdict.PARKED:
        return None
    if landed is not None and landed > ended.at:
        return None
    times = sum(
        1
        for attempt in unit.attempts.all
        if attempt.ended and attempt.ended.verdict is Verdict.PARKED
    )
    pause = min(settings.poll_seconds * 2 ** min(times, 20), settings.max_poll_seconds)
    return ended.at + timedelta(seconds=pause)


def _claim_over(run: Run, unit: Unit) -> datetime | None:
    """Return when a claim on a shared store may be looked into by others."""
    last = unit.last
    if last is None:
        return None
    settings = get_settings()
    wait_seconds = 2 * settings.settle_seconds + settings.http_timeout_seconds
    age = run.directory.age_seconds(unit.attempts.name(last.number, "intent"))
    return datetime.now(UTC) + timedelta(seconds=wait_seconds - age)


def _ends(state: RunState) -> list[Ended]:
    return [
        attempt.ended
        for unit in state.units.values()
        for attempt in unit.attempts.all
        if attempt.ended
    ]
