"""What can be done next, decided from a run's state alone.

Pure: no clock, no network, no disk. The same answer serves the first start, the
resume after a crash, the scheduled sweep and a webhook.
"""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Literal

from ..directory.records import Ended, Verdict
from ..directory.run import RunState, Unit

__all__ = ["Step", "in_flight_limit", "next_steps", "under_token_limit"]

_TOKENS_PER_BYTE = 0.25
"""Until a batch has landed; less for JSON than for prose, so rather too much."""


@dataclass(frozen=True, slots=True)
class Step:
    """One piece of work; steps given together are independent of each other."""

    kind: Literal["generate", "submit", "land", "round", "parse", "finish"]
    unit: str = ""
    """The unit, the shard or (for `round`) the number it is about."""


def next_steps(
    state: RunState,
    *,
    max_in_flight: int,
    max_rounds: int,
    reask: int = 0,
    ended: AbstractSet[str] = frozenset(),
    held: AbstractSet[str] = frozenset(),
    canary: bool = False,
) -> list[Step]:
    """Return all that can be done now; an empty list means wait, or done.

    Args:
        state: The run as it stands.
        max_in_flight: Batches that may be open at a time.
        max_rounds: Further rounds after the first, for what may still succeed.
        reask: More rounds, for answers that the response model refuses.
        ended: Units whose batch the provider was seen to be done with.
        held: Units that nothing is sent for yet: a pause after being parked or
            before a further round, or another process's claim that is too young.
        canary: Whether the first shard goes alone, before all others.
    """
    if state.report is not None:
        return []
    if state.plan is None:
        return [Step("generate")]
    steps = [Step("land", unit.path) for unit in state.open_units if unit.path in ended]
    steps += [
        Step("submit", unit.path)
        for unit in _to_submit(state, max_in_flight, held, canary=canary)
    ]
    if steps or not all(_is_over(unit, state) for unit in state.units.values()):
        return steps
    rounds = len(state.rounds)
    worth = rounds < max_rounds + reask and (
        _worth_a_round(state) or (reask and _sent_last(state))
    )
    resend = state.resend_round == rounds + 1 and state.gone_units
    if not state.cancelled and (worth or resend):
        return [Step("round", str(rounds + 1))]
    parse = [
        Step("parse", shard.path)
        for shard in state.plan.shards
        if f"{shard.path}/tally.json" not in state.names
    ]
    return parse or [Step("finish")]


def in_flight_limit(state: RunState, max_in_flight: int) -> int:
    """Return how many batches may be open, as learned from the provider.

    A batch that found no capacity lowers it to the number that were open then;
    each batch that landed since raises it by one.
    """
    limit = max_in_flight
    for _, ended in _closed(state):
        if ended.verdict is Verdict.PARKED:
            limit = max(1, min(limit, ended.in_flight))
        elif ended.verdict is Verdict.LANDED:
            limit = min(limit + 1, max_in_flight)
    return limit


def under_token_limit(state: RunState, units: Iterable[Unit]) -> list[Unit]:
    """Return the first units that fit under the limit that a refusal named.

    What a request file takes is estimated from those that have landed. One unit is
    always tried where none is open, for estimates err.
    """
    closed = _closed(state)
    limits = [ended.token_limit for _, ended in closed if ended.token_limit]
    if not limits:
        return list(units)
    landed = [pair for pair in closed if pair[1].verdict is Verdict.LANDED]
    tokens = sum(ended.input_tokens for _, ended in landed)
    size = sum(unit.plan.bytes for unit, _ in landed)
    per_byte = tokens / size if tokens else _TOKENS_PER_BYTE
    left = limits[-1] - per_byte * sum(unit.plan.bytes for unit in state.open_units)
    fitting: list[Unit] = []
    for unit in units:
        left -= per_byte * unit.plan.bytes
        if left < 0 and (fitting or state.open_units):
            break
        fitting.append(unit)
    return fitting


def _closed(state: RunState) -> list[tuple[Unit, Ended]]:
    """Return how attempts ended, with their units, in the order of time."""
    closed = [
        (unit, attempt.ended)
        for unit in state.units.values()
        for attempt in unit.attempts.all
        if attempt.ended
    ]
    return sorted(closed, key=lambda pair: pair[1].at)


def _to_submit(
    state: RunState, max_in_flight: int, held: AbstractSet[str], *, canary: bool
) -> list[Unit]:
    waiting = [
        unit
        for unit in state.units.values()
        if not (unit.is_settled or unit.is_open or unit.path in held)
        and (unit.is_lost or not state.cancelled)
    ]
    if canary and state.plan:
        first = state.units[state.plan.shards[0].path]
        if not first.is_settled:
            waiting = [unit for unit in waiting if unit is first]
    slots = in_flight_limit(state, max_in_flight) - len(state.open_units)
    lost = [unit for unit in waiting if unit.is_lost]
    fresh = under_token_limit(state, (unit for unit in waiting if not unit.is_lost))
    return lost + fresh[: max(0, slots - len(lost))]


def _worth_a_round(state: RunState) -> bool:
    """Whether anything that was sent last did not succeed and still may."""
    return any(
        unit.last.ended.again or unit.last.ended.verdict is Verdict.FAILED
        for unit in _sent_last(state)
        if unit.last and unit.last.ended
    )


def _sent_last(state: RunState) -> list[Unit]:
    """Return the units of the newest round; none where it was not needed."""
    if state.plan is None:
        return []
    plans = state.rounds[-1].units if state.rounds else state.plan.shards
    return [state.units[plan.path] for plan in plans]


def _is_over(unit: Unit, state: RunState) -> bool:
    return unit.is_settled or (
        state.cancelled and not unit.is_open and not unit.is_lost
    )
