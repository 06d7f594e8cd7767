"""The state of a batch at a given time: a pure function of its plan and the clock."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from pydantic import BaseModel, ConfigDict

from ..faults import BatchFault, Durations
from .store import BatchRow

__all__ = ["Moment", "Plan", "moment_at", "plan_of", "queued", "requests_that_run"]


class Plan(BaseModel):
    """What will happen to a batch; settled when it is created."""

    model_config = ConfigDict(frozen=True)

    seed: int = 0
    durations: Durations = Durations()
    fault: BatchFault | None = None
    window: str = "24h"
    """How long the batch may take, as it was asked for."""
    expires_seconds: float = 86_400
    """How long after its creation it expires."""

    @property
    def effects(self) -> BatchFault:
        """The fault that applies to this batch, or one without effect."""
        return self.fault or BatchFault()


@lru_cache(maxsize=4096)
def _read(plan: str) -> Plan:
    return Plan.model_validate_json(plan)


def plan_of(row: BatchRow) -> Plan:
    """Return the plan of a batch."""
    return _read(row.plan)


@dataclass(frozen=True)
class Moment:
    """A batch at one moment; `state` is OpenAI's word, from which others follow."""

    state: str
    expires_at: float
    fraction: float
    """Share of the requests that have run."""
    ended_at: float | None = None
    in_progress_at: float | None = None
    finalizing_at: float | None = None

    @property
    def is_final(self) -> bool:
        """Whether the batch has ended."""
        return self.state in {"completed", "failed", "expired", "cancelled"}


@dataclass(frozen=True)
class _Course:
    """The planned course of a batch that nobody cancels."""

    in_progress_at: float
    finalizing_at: float
    """Infinity for a batch that ends before."""
    ended_at: float
    expires_at: float
    end: str
    fraction: float = 1.0


def _course(row: BatchRow, plan: Plan) -> _Course:
    durations = plan.durations
    start = row.created_at + durations.validating
    finalizing = start + durations.in_progress
    end = finalizing + durations.finalizing
    expires = row.created_at + plan.expires_seconds
    early = plan.effects.end
    if early != "completed":
        fraction = plan.effects.ran
        cut = start + durations.in_progress * fraction
        window = cut if early == "expired" else expires
        return _Course(start, math.inf, cut, window, early, fraction)
    if end <= expires:
        return _Course(start, finalizing, end, expires, "completed")
    fraction = _share(expires - start, durations.in_progress)
    finalizing = finalizing if finalizing < expires else math.inf
    return _Course(start, finalizing, expires, expires, "expired", fraction)


def _share(passed: float, whole: float) -> float:
    return 1.0 if whole <= 0 else max(0.0, min(1.0, passed / whole))


def requests_that_run(row: BatchRow, plan: Plan) -> tuple[int, str]:
    """Return how many requests of a batch run, and the outcome of the others."""
    if row.cancel_at is not None:
        return row.cancel_ran, "cancelled"
    course = _course(row, plan)
    if course.end == "completed":
        return row.total, "expired"
    return int(row.total * course.fraction), course.end


def moment_at(row: BatchRow, now: float) -> Moment:
    """Return the state of a batch.

    A state ends when its time is over and the work behind it is done.
    """
    plan = plan_of(row)
    course = _course(row, plan)
    if row.cancel_at is not None:
        return _cancelled(row, row.cancel_at, plan, course, now)
    if not row.validated or now < course.in_progress_at:
        return Moment("validating", course.expires_at, 0.0)
    if row.errors is not None:
        return Moment("failed", course.expires_at, 0.0, course.in_progress_at)
    finalizing = None
    if row.ready and now >= course.finalizing_at:
        finalizing = course.finalizing_at
    begun = (course.in_progress_at, finalizing)
    if row.ready and now >= course.ended_at:
        ended = (course.fraction, course.ended_at)
        return Moment(course.end, course.expires_at, *ended, *begun)
    fraction = _share(now - course.in_progress_at, plan.durations.in_progress)
    fraction = min(fraction, course.fraction)
    state = "in_progress" if finalizing is None else "finalizing"
    return Moment(state, course.expires_at, fraction, None, *begun)


def _cancelled(
    row: BatchRow, cancel_at: float, plan: Plan, course: _Course, now: float
) -> Moment:
    end = cancel_at + plan.durations.cancelling
    done = now >= end and (row.ready or row.errors is not None)
    stamps = (course.in_progress_at, course.finalizing_at)
    return Moment(
        "cancelled" if done else "cancelling",
        course.expires_at,
        row.cancel_ran / (row.total or 1),
        end if done else None,
        *(stamp if stamp <= cancel_at else None for stamp in stamps),
    )


def queued(
    rows: Iterable[BatchRow], column: str, now: float, lag_seconds: float
) -> int:
    """Add up a column of the open batches; ended ones count for the lag too."""
    total = 0
    for row in rows:
        moment = moment_at(row, now)
        ended_at = moment.ended_at if moment.is_final else None
        if row.errors is None and (ended_at is None or now < ended_at + lag_seconds):
            total += getattr(row, column)
    return total
