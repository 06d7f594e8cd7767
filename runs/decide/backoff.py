"""Shards that nothing is sent for yet, and until when."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from ...providers import get_vendor
from ...settings import get_settings
from ..directory.attempts import Attempt
from ..directory.deadline import is_late
from ..directory.records import Verdict
from ..directory.run import Run, RunState
from ..directory.shard import Shard

__all__ = ["paused_shards"]


def paused_shards(run: Run, state: RunState) -> tuple[frozenset[str], datetime | None]:
    """Return the shards whose pause is not over, and when the first pause ends.

    A shard pauses after the provider had no capacity for it (longer each time, until
    any batch of the run is downloaded), before a further round, while a process on
    another machine may still be sending its claim, and before another look for results
    that the provider did not show.
    """
    now = datetime.now(UTC)
    late = is_late(run)
    until: dict[str, datetime] = {}
    downloaded = max(
        (
            attempt.ended.at
            for _, attempt in state.attempts()
            if attempt.ended and attempt.verdict is Verdict.DOWNLOADED
        ),
        default=None,
    )
    waiting = [
        shard
        for shard in state.shards.values()
        if not (shard.is_settled or shard.is_open)
    ]
    for shard in waiting:
        if late and not shard.is_lost:
            continue  # it is asked in realtime, which has a pace of its own
        moment = _until(run, state, shard, downloaded)
        if moment is not None and moment > now:
            until[shard.path] = moment
    for shard in state.open_shards:
        if (moment := shard.next_look_at) is not None and moment > now:
            until[shard.path] = moment
    claims = [
        until[shard.path] for shard in waiting if shard.is_lost and shard.path in until
    ]
    if claims and get_vendor(run.job.provider).creation == "candidates":
        # Its batches are told apart by creation time: one claim at a time.
        for shard in waiting:
            until.setdefault(shard.path, min(claims))
    return frozenset(until), min(until.values(), default=None)


def _until(
    run: Run, state: RunState, shard: Shard, downloaded: datetime | None
) -> datetime | None:
    settings = get_settings()
    last = shard.last
    if last is None:
        number = shard.plan.round
        if number <= state.since:
            return None
        pause = min(settings.round_seconds * 2 ** (number - state.since - 1), 3600)
        return state.rounds[number - 1].created_at + timedelta(seconds=pause)
    if shard.is_lost:
        return None if run.directory.is_local else _claim_over(run, shard, last)
    ended = last.ended
    if ended is None or ended.verdict is not Verdict.PARKED:
        return None
    if downloaded is not None and downloaded > ended.at:
        return None
    times = sum(each.verdict is Verdict.PARKED for each in shard.attempts.all)
    pause = min(settings.poll_seconds * 2 ** min(times, 20), settings.max_poll_seconds)
    return ended.at + timedelta(seconds=pause)


def _claim_over(run: Run, shard: Shard, last: Attempt) -> datetime:
    """Return when no call of a claim on a shared store can still be under way."""
    settings = get_settings()
    wait_seconds = 2 * settings.settle_seconds + settings.http_timeout_seconds
    age = run.directory.age_seconds(shard.attempts.name(last.number, "intent"))
    return datetime.now(UTC) + timedelta(seconds=wait_seconds - age)
