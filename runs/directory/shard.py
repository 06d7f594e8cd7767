"""One request file of a run, and how far it is."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from .attempts import Attempt, Attempts
from .records import ShardPlan, Verdict

__all__ = ["TAKEN", "TAKEN_INDEX", "Shard"]

TAKEN = "results/taken.jsonl"
"""Answers of other runs to rows of a shard, in its folder, with `custom_id`s of this
run."""

TAKEN_INDEX = "results/taken.index.arrow"
"""Their index, for other runs."""

_SETTLED = {
    Verdict.DOWNLOADED,
    Verdict.FAILED,
    Verdict.GONE,
    Verdict.PARTLY_GONE,
}


@dataclass(slots=True)
class Shard:
    """One request file of the run, and the attempts to get it answered."""

    plan: ShardPlan
    attempts: Attempts
    is_superseded: bool = False
    """Whether a retry decides about its rows, so that it is not sent any more."""

    @property
    def path(self) -> str:
        """Its folder in the run."""
        return self.plan.path

    @property
    def last(self) -> Attempt | None:
        """Its newest attempt."""
        return self.attempts.last

    @property
    def verdict(self) -> Verdict | None:
        """Why its newest attempt is over; None where there is none, or it is not."""
        return self.last.verdict if self.last else None

    @property
    def is_open(self) -> bool:
        """Whether its batch is on record and not downloaded."""
        return self.last is not None and self.last.is_open

    @property
    def is_lost(self) -> bool:
        """Whether a batch may exist that is on no record."""
        return self.last is not None and self.last.is_lost

    @property
    def is_asking(self) -> bool:
        """Whether its requests are asked in realtime, and some have no answer yet."""
        return self.last is not None and self.last.is_asking

    @property
    def is_settled(self) -> bool:
        """Whether no further attempt of this file follows."""
        is_left = self.is_superseded and not (self.is_open or self.is_lost)
        return is_left or self.verdict in _SETTLED

    @property
    def next_look_at(self) -> datetime | None:
        """When to look again for results that the provider did not show."""
        absence = self.last.absence if self.last and self.is_open else None
        return absence.next_at if absence else None

    @property
    def output_name(self) -> str:
        """Where the results of its newest attempt are, within the run."""
        number = self.last.number if self.last else 0
        return f"{self.path}/attempts/{number:03}.output.jsonl"
