"""A run batch by batch, as rows for people: what was sent, and how it stands."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from ...models import Batch, Outcome
from ..directory.attempts import Attempt
from ..directory.records import Verdict
from ..directory.run import RunState, Unit

__all__ = ["percent_done", "shard_rows"]

_CENT = 0.01


def shard_rows(
    state: RunState,
    provider: str,
    live: Mapping[str, Batch],
    now: datetime | None = None,
) -> list[dict[str, Any]]:
    """Return a row for each batch that was tried, and for what is not sent yet.

    Args:
        state: The run as it stands.
        provider: Whose batches they are.
        live: Open batches as they were last seen, by ID.
        now: Up to when ages are told.
    """
    now = now or datetime.now(UTC)
    return [
        {
            "shard": unit.path,
            "batch": "",
            "status": "not sent",
            "requests": unit.plan.requests,
            "succeeded": None,
            "failed": None,
            "age": "",
            "cost (USD)": None,
            "provider": provider,
        }
        | cells
        for unit in state.units.values()
        for cells in _attempts(unit, live, now)
    ]


def percent_done(state: RunState, live: Mapping[str, Batch]) -> float:
    """Return how much of all requests has been answered; 100 for a finished run."""
    if state.report is not None:
        return 100.0
    total = done = 0
    for unit in state.units.values():
        total += unit.plan.requests
        if unit.is_settled:
            done += unit.plan.requests
        elif unit.is_open and unit.last and unit.last.batch:
            seen = live.get(unit.last.batch.id)
            done += seen.counts.done if seen else 0
    return round(100 * done / total, 1) if total else 0.0


def _attempts(
    unit: Unit, live: Mapping[str, Batch], now: datetime
) -> Iterator[dict[str, Any]]:
    if unit.last is None:
        yield {}
    for attempt in unit.attempts.all:
        batch = _newest(attempt, live)
        ended = attempt.ended
        born = (batch.created_at if batch else None) or attempt.intent.claimed_at
        cells: dict[str, Any] = {
            "batch": batch.id if batch else "",
            "status": batch.provider_status if batch else "being created",
            "age": _age((ended.at if ended else now), born),
        }
        if ended is None:
            if batch:
                counts = batch.counts
                cells["succeeded"] = counts.succeeded
                if counts.succeeded is not None:
                    cells["failed"] = counts.done - counts.succeeded
        elif ended.verdict is Verdict.LANDED:
            cells["succeeded"] = ended.outcomes.get(Outcome.SUCCEEDED, 0)
            cells["failed"] = ended.lines - cells["succeeded"]
            cells["cost (USD)"] = _usd(ended.cost_usd)
        else:
            cells["status"] = ended.verdict.replace("_", " ")
        yield cells


def _newest(attempt: Attempt, live: Mapping[str, Batch]) -> Batch | None:
    if attempt.ended and attempt.ended.batch:
        return attempt.ended.batch
    return live.get(attempt.batch.id, attempt.batch) if attempt.batch else None


def _usd(cost: float | None) -> str:
    if cost is None:
        return "unknown"
    return f"{cost:.4f}" if cost >= _CENT else f"{cost:.6f}"


def _age(until: datetime, since: datetime) -> str:
    seconds = max(0, int((until - since).total_seconds()))
    hours, minutes = divmod(seconds // 60, 60)
    if hours:
        return f"{hours} h {minutes:02} min"
    return f"{minutes} min" if minutes else f"{seconds} s"
