"""Where a batch stands at a moment: a pure function of its plan and the clock."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

from pydantic import BaseModel, ConfigDict

from ..faults import BatchFault, Durations
from .rows import BatchRow

__all__ = ["Moment", "Plan", "look", "plan_of", "runs_of"]

_WINDOW_SECONDS = 86_400.0


class Plan(BaseModel):
    """What will happen to a batch, settled when it is created."""

    model_config = ConfigDict(frozen=True)

    seed: int = 0
    durations: Durations = Durations()
    fault: BatchFault | None = None

    @property
    def effects(self) -> BatchFault:
        """The fault that picked this batch, or one without any effect."""
        return self.fault or BatchFault()


@lru_cache(maxsize=4096)
def _read(plan: str) -> Plan:
    return Plan.model_validate_json(plan)


def plan_of(row: BatchRow) -> Plan:
    """Return what was settled for a batch when it was created."""
    return _read(row.plan)


@dataclass(frozen=True)
class Moment:
    """A batch as it looks at one moment.

    `state` is OpenAI's word; Anthropic's follow from it.
    """

    state: str
    expires_at: float
    fraction: float
    """Share of the requests that have run."""
    ended_at: float | None = None
    in_progress_at: float | None = None
    finalizing_at: float | None = None

    @property
    def is_final(self) -> bool:
        """Whether nothing more will happen to it."""
        return self.state in {"completed", "failed", "expired", "cancelled"}


@dataclass(frozen=True)
class _Course:
    """The planned course of a batch that nobody cancels."""

    in_progress_at: float
    finalizing_at: float
    """In infinity for a batch that ends before."""
    ended_at: float
    expires_at: float
    end: str
    fraction: float = 1.0


def _course(row: BatchRow, plan: Plan) -> _Course:
    durations = plan.durations
    openai = row.provider == "openai"
    start = row.created_at + (durations.validating if openai else 0)
    finalizing = start + durations.in_progress
    end = finalizing + (durations.finalizing if openai else 0)
    expires = row.created_at + _WINDOW_SECONDS
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


def runs_of(row: BatchRow, plan: Plan) -> tuple[int, str]:
    """Return how many of a batch's requests run, and what becomes of the others."""
    if row.cancel_at is not None:
        return row.cancel_ran, "cancelled"
    course = _course(row, plan)
    if course.end == "completed":
        return row.total, "expired"
    return int(row.total * course.fraction), course.end


def look(row: BatchRow, plan: Plan, now: float) -> Moment:
    """Return where the batch stands.

    A state is left when its time is over and the work behind it is done.
    """
    course = _course(row, plan)
    if row.cancel_at is not None:
        return _look_cancelled(row, row.cancel_at, plan, course, now)
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


def _look_cancelled(
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
