"""The batches of a run as a table for people: what was sent, and its status."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from ...data.prices import REALTIME
from ...models import Batch, Outcome
from ..directory.attempts import Attempt
from ..directory.records import Verdict
from ..directory.run import RunState

__all__ = [
    "batch_id_of",
    "newest_batch",
    "percent_done",
    "shard_rows",
    "status_word",
]

_CENT = 0.01


def newest_batch(
    attempt: Attempt | None, live: Mapping[str, Batch] | None = None
) -> Batch | None:
    """Return the attempt's batch as it was last seen; None where none is known."""
    if attempt is None:
        return None
    if attempt.ended and attempt.ended.batch:
        return attempt.ended.batch
    batch = attempt.batch
    return batch and (live or {}).get(batch.id, batch)


def batch_id_of(attempt: Attempt | None, batch: Batch | None) -> str | None:
    """Return the batch's ID, or the word for none: it was asked in realtime."""
    if attempt and attempt.intent.realtime:
        return REALTIME
    return batch.id if batch else None


def status_word(attempt: Attempt | None, batch: Batch | None) -> str:
    """Return the provider's word for a batch, or ours where it gave no results."""
    if attempt is None:
        return "not sent"
    verdict = attempt.verdict
    if attempt.intent.realtime:
        return "asking" if verdict is None else "answered"
    if verdict is Verdict.NOT_OURS:
        return "not ours"
    if attempt.is_surplus:
        return "cancelled"
    if verdict is not None and verdict is not Verdict.DOWNLOADED:
        return verdict.replace("_", " ")
    return batch.provider_status if batch else "being created"


def shard_rows(
    state: RunState,
    provider: str,
    live: Mapping[str, Batch],
    now: datetime | None = None,
) -> list[dict[str, Any]]:
    """Return a row for each attempt, and for each shard that is not sent yet.

    `live` has the open batches by ID, as they were last seen.
    """
    now = now or datetime.now(UTC)
    return [
        {
            "shard": shard.path,
            "batch": "",
            "status": status_word(None, None),
            "requests": shard.plan.requests,
            "succeeded": None,
            "failed": None,
            "age": "",
            "cost (USD)": None,
            "provider": provider,
        }
        | cells
        for shard in state.shards.values()
        for cells in [_cells(each, live, now) for each in shard.attempts.all] or [{}]
    ]


def percent_done(state: RunState, live: Mapping[str, Batch]) -> float:
    """Return how much of all requests has been answered; 100 for a finished run."""
    if state.report is not None:
        return 100.0
    total = done = 0
    for shard in state.shards.values():
        total += shard.plan.requests
        if shard.is_settled:
            done += shard.plan.requests
        elif shard.is_open and shard.last and shard.last.batch:
            seen = live.get(shard.last.batch.id)
            done += seen.counts.done if seen else 0
    return round(100 * done / total, 1) if total else 0.0


def _cells(
    attempt: Attempt, live: Mapping[str, Batch], now: datetime
) -> dict[str, Any]:
    batch = newest_batch(attempt, live)
    ended = attempt.ended
    cells: dict[str, Any] = {
        "batch": batch_id_of(attempt, batch) or "",
        "status": status_word(attempt, batch),
        "age": _age(ended.at if ended else now, attempt.created_at),
    }
    if ended is None:
        if batch:
            counts = batch.counts
            cells["succeeded"] = counts.succeeded
            if counts.succeeded is not None:
                cells["failed"] = counts.done - counts.succeeded
    elif ended.verdict.has_results:
        cells["succeeded"] = ended.outcomes.get(Outcome.SUCCEEDED, 0)
        cells["failed"] = ended.lines - cells["succeeded"]
        cells["cost (USD)"] = _usd(ended.cost_usd)
    return cells


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
