"""When a run has to finish: `deadline.json`."""

from __future__ import annotations

from datetime import UTC, datetime

from pydantic_core import PydanticCustomError

from ...data.deadline import deadline, known_deadline
from ...errors import InputError
from .reading import read_record
from .records import Deadline
from .run import Run
from .storage import Directory

__all__ = ["deadline_of", "is_late", "set_deadline"]

_NAME = "deadline.json"


def deadline_of(run: Run) -> datetime | None:
    """Return from when on what has no answer is asked in realtime; None: never.

    What had passed before the newest retry began is over with.
    """
    if not run.directory.exists(_NAME):
        return None
    at = read_record(run.directory, _NAME, Deadline).at
    number = 1
    while run.directory.exists(f"rounds/{number}/plan.json"):
        plan = run.round_plan(number)
        if plan.retry and plan.created_at >= at:
            return None
        number += 1
    return at


def is_late(run: Run) -> bool:
    """Whether there is a deadline that has passed."""
    at = deadline_of(run)
    return at is not None and datetime.now(UTC) >= at


def set_deadline(directory: Directory, finish_by: float | str | None) -> None:
    """Write down when a run has to finish, if that is asked for.

    Raises:
        InputError: It is no duration and no time of day.
    """
    try:
        known = known_deadline(finish_by)
    except PydanticCustomError as exc:
        raise InputError(f"--finish-by {finish_by}: {exc}") from exc
    if known is not None:
        at = deadline(known, datetime.now(UTC))
        directory.write(_NAME, Deadline(at=at).model_dump_json().encode())
