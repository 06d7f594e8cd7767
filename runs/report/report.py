"""The account of a run, at any time: nothing that was paid for is left out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Literal

from ...data.results.tally import ShardTally
from ...models import BatchLine, Outcome, RunReport
from ..directory.attempts import Attempt
from ..directory.records import Ended, Verdict
from ..directory.run import Run, RunState, Unit

__all__ = ["report_on"]


def report_on(
    run: Run,
    state: RunState,
    tally: ShardTally | None = None,
    *,
    ended_at: datetime | None = None,
) -> RunReport:
    """Return the report of a run; without `tally` that of an open one.

    What an open run has so far is counted from its result lines, before the
    response model had a say; a row that was sent again counts twice.
    """
    units = list(state.units.values())
    lines = tuple(line for unit in units for line in _batch_lines(unit))
    total = tally or _so_far(units)
    job = run.job
    return RunReport(
        run_dir=run.directory.url,
        state=_word(state, ended_at),
        provider=job.provider,
        model=job.template.model,
        synthetic=job.synthetic
        or any("sandbox" in (line.batch_id or "") for line in lines),
        output=job.job.output,
        rows=state.plan.rows if state.plan else 0,
        outcomes=total.outcomes,
        batches=lines,
        rounds=sum(1 for round_ in state.rounds if round_.units),
        input_tokens=total.input_tokens,
        output_tokens=total.output_tokens,
        cache_read_tokens=total.cache_read_tokens,
        cache_write_tokens=total.cache_write_tokens,
        cost_usd=total.cost_usd,
        errors=total.errors,
        missing=total.missing,
        duplicate=total.duplicate,
        foreign=total.foreign,
        started_at=state.plan.created_at if state.plan else datetime.now(UTC),
        ended_at=ended_at,
        seconds=_seconds(state, ended_at),
    )


def _word(
    state: RunState, ended_at: datetime | None
) -> Literal["open", "done", "cancelled"]:
    if state.cancelled:
        return "cancelled"
    return "open" if ended_at is None else "done"


def _batch_lines(unit: Unit) -> Iterable[BatchLine]:
    if unit.last is None:
        yield BatchLine(
            unit=unit.path,
            attempt=0,
            batch_id=None,
            provider_status="not sent",
            requests=unit.plan.requests,
        )
    for attempt in unit.attempts.all:
        ended = attempt.ended
        batch = (ended.batch if ended else None) or attempt.batch
        yield BatchLine(
            unit=unit.path,
            attempt=attempt.number,
            batch_id=batch.id if batch else None,
            provider_status=_status(attempt, ended),
            requests=unit.plan.requests,
            created_at=batch.created_at if batch else attempt.intent.claimed_at,
            ended_at=ended.at if ended else None,
        )


def _status(attempt: Attempt, ended: Ended | None) -> str:
    if ended is not None and ended.verdict is not Verdict.LANDED:
        return ended.verdict.replace("_", " ")
    batch = (ended.batch if ended else None) or attempt.batch
    return batch.provider_status if batch else "being created"


def _so_far(units: list[Unit]) -> ShardTally:
    outcomes: Counter[Outcome] = Counter()
    inputs = outputs = 0
    cost: float | None = 0.0
    for unit in units:
        for attempt in unit.attempts.all:
            if (ended := attempt.ended) is not None:
                outcomes.update(ended.outcomes)
                inputs += ended.input_tokens
                outputs += ended.output_tokens
                known = cost is not None and ended.cost_usd is not None
                cost = (cost or 0) + (ended.cost_usd or 0) if known else None
    return ShardTally(
        outcomes=dict(outcomes),
        input_tokens=inputs,
        output_tokens=outputs,
        cost_usd=cost,
    )


def _seconds(state: RunState, ended_at: datetime | None) -> dict[str, float]:
    if state.plan is None:
        return {}
    attempts = [each for unit in state.units.values() for each in unit.attempts.all]
    created = [each.intent.claimed_at for each in attempts]
    landed = [each.ended.at for each in attempts if each.ended]
    seconds = {"generate": state.plan.seconds}
    if created and landed:
        seconds["batches"] = (max(landed) - min(created)).total_seconds()
    if landed and ended_at is not None:
        seconds["write"] = (ended_at - max(landed)).total_seconds()
    return seconds
