"""What can be done next, decided from a run's state alone.

Pure: no clock, no network, no disk. The same answer serves the first start, the
resume after a crash, the scheduled sweep and a webhook.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Literal

from ...data.job import BatchJob
from ..directory.records import Ended, Verdict
from ..directory.run import RunState
from ..directory.shard import Shard
from .canary import is_canary_over

__all__ = ["Step", "StepKind", "in_flight_limit", "next_steps", "under_token_limit"]

StepKind = Literal[
    "generate", "submit", "ask", "download", "round", "parse", "write-output"
]

_TOKENS_PER_BYTE = 0.25
"""Until a batch is downloaded; JSON has fewer, so this is rather too much."""


@dataclass(frozen=True, slots=True)
class Step:
    """One piece of work; steps given together are independent of each other."""

    kind: StepKind
    shard: str = ""
    """The shard, or (for `round`) the number of the round."""


def next_steps(
    state: RunState,
    job: BatchJob,
    *,
    ended: AbstractSet[str] = frozenset(),
    paused: AbstractSet[str] = frozenset(),
    canary_again: bool = False,
    late: bool = False,
) -> list[Step]:
    """Return all that can be done now; an empty list means wait, or done.

    `ended` are the shards whose batch is over at the provider, `paused` those that
    nothing is sent for yet, as `paused_shards` says. With `canary_again`, rows of the
    canary are sent again before any other. Once it is `late`, no batch is created: open
    ones are waited for, and the rest is asked in realtime.
    """
    if state.report is not None:
        return []
    if state.plan is None:
        return [Step("generate")]
    steps = [
        Step("download", shard.path)
        for shard in state.open_shards
        if shard.path in ended
    ]
    rounds = len(state.rounds)
    if canary_again:
        return [Step("round", str(rounds + 1))]
    allowed = _allowed(state, job, paused)
    sent = _to_submit(state, job, allowed, late=late)
    steps += [Step("submit", shard.path) for shard in sent]
    steps = steps or _to_ask(state, allowed, late=late)
    if steps or not all(_is_over(shard, state) for shard in state.shards.values()):
        return steps
    ordinary = sum(not round_.canary for round_ in state.rounds[state.since :])
    worth = ordinary < job.max_rounds + job.reask + late and (
        _worth_a_round(state) or (job.reask and state.newest_shards)
    )
    resend = state.resend_round == rounds + 1 and state.gone_shards
    if not state.cancelled and (worth or resend):
        return [Step("round", str(rounds + 1))]
    parse = [
        Step("parse", shard.path)
        for shard in state.plan.shards
        if f"{shard.path}/tally.json" not in state.names
    ]
    lost = [
        Step("download", shard.path)
        for shard in state.shards.values()
        if _lost_results(shard, state, {step.shard for step in parse})
    ]
    return lost or parse or [Step("write-output")]


def in_flight_limit(state: RunState, max_in_flight: int) -> int:
    """Return how many batches may be open, as learned from the provider.

    A batch that found no capacity lowers it to the number that were open then; each
    batch that was downloaded since raises it by one.
    """
    limit = max_in_flight
    for _, ended in _closed(state):
        if ended.verdict is Verdict.PARKED:
            limit = max(1, min(limit, ended.in_flight))
        elif ended.verdict is Verdict.DOWNLOADED:
            limit = min(limit + 1, max_in_flight)
    return limit


def under_token_limit(state: RunState, shards: Iterable[Shard]) -> list[Shard]:
    """Return the first shards that fit under the limit that a refusal named.

    The tokens of a request file are estimated from those that were downloaded. Where
    none is open one shard is always tried, for estimates err.
    """
    closed = _closed(state)
    limits = [ended.token_limit for _, ended in closed if ended.token_limit]
    if not limits:
        return list(shards)
    downloaded = [pair for pair in closed if pair[1].verdict is Verdict.DOWNLOADED]
    tokens = sum(ended.input_tokens for _, ended in downloaded)
    size = sum(shard.plan.bytes for shard, _ in downloaded)
    per_byte = tokens / size if tokens else _TOKENS_PER_BYTE
    left = limits[-1] - per_byte * sum(shard.plan.bytes for shard in state.open_shards)
    fitting: list[Shard] = []
    for shard in shards:
        left -= per_byte * shard.plan.bytes
        if left < 0 and (fitting or state.open_shards):
            break
        fitting.append(shard)
    return fitting


def _closed(state: RunState) -> list[tuple[Shard, Ended]]:
    """Return how attempts ended, with their shards, in the order of time."""
    closed = [(shard, each.ended) for shard, each in state.attempts() if each.ended]
    return sorted(closed, key=lambda pair: pair[1].at)


def _allowed(state: RunState, job: BatchJob, paused: AbstractSet[str]) -> list[Shard]:
    """Return the shards that wait for something to be done now."""
    waiting = [
        shard
        for shard in state.shards.values()
        if not (shard.is_settled or shard.is_open or shard.path in paused)
        and (shard.is_lost or shard.is_asking or not state.cancelled)
    ]
    if job.canary and not is_canary_over(state):
        canary = [shard for shards in state.canary_rounds for shard in shards]
        waiting = [shard for shard in waiting if shard in canary]
    return waiting


def _to_ask(state: RunState, allowed: Sequence[Shard], *, late: bool) -> list[Step]:
    """Return the step that asks the next shard's requests, one shard at a time.

    Nothing is asked while a batch may still answer.
    """
    if any(shard.is_open or shard.is_lost for shard in state.shards.values()):
        return []
    wanted = [shard for shard in allowed if late or shard.is_asking]
    return [Step("ask", shard.path) for shard in wanted[:1]]


def _to_submit(
    state: RunState, job: BatchJob, allowed: Sequence[Shard], *, late: bool
) -> list[Shard]:
    waiting = [
        shard for shard in allowed if shard.is_lost or not (late or shard.is_asking)
    ]
    slots = in_flight_limit(state, job.max_in_flight) - len(state.open_shards)
    lost = [shard for shard in waiting if shard.is_lost]
    fresh = under_token_limit(state, (each for each in waiting if not each.is_lost))
    return lost + fresh[: max(0, slots - len(lost))]


def _lost_results(shard: Shard, state: RunState, paths: AbstractSet[str]) -> bool:
    """Whether a file of its results is gone that is needed to parse these shards."""
    ended = shard.last.ended if shard.last else None
    return ended is not None and any(
        name not in state.names and "/".join(name.split("/")[:2]) in paths
        for name in ended.digests
    )


def _worth_a_round(state: RunState) -> bool:
    """Whether anything that was sent last did not succeed and still may."""
    return any(
        shard.verdict is Verdict.FAILED
        or (shard.last and shard.last.ended and shard.last.ended.again)
        for shard in state.newest_shards
    )


def _is_over(shard: Shard, state: RunState) -> bool:
    return shard.is_settled or (
        state.cancelled and not (shard.is_open or shard.is_lost or shard.is_asking)
    )
