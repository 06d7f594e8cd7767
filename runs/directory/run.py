"""Where a run stands, read from its directory alone."""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from functools import cached_property

import orjson

from ...data.requests.generate import batch_limits
from ...data.resolve import ResolvedJob
from ...errors import InputError
from ...models import RunReport
from ...providers import Format, Limits, Provider, get_format
from .access import provider_for
from .attempts import Attempt, Attempts, Records
from .records import Plan, RoundPlan, UnitPlan, Verdict
from .storage import Directory

__all__ = ["Run", "RunState", "Unit"]


@dataclass(slots=True)
class Unit:
    """One request file of the run, with what was tried to get it answered."""

    plan: UnitPlan
    attempts: Attempts

    @property
    def path(self) -> str:
        """Its folder in the run."""
        return self.plan.path

    @property
    def last(self) -> Attempt | None:
        """Its newest attempt."""
        return self.attempts.last

    @property
    def is_open(self) -> bool:
        """Whether its batch is on record and not landed."""
        return self.last is not None and self.last.is_open

    @property
    def is_lost(self) -> bool:
        """Whether a batch may exist that is on no record."""
        return self.last is not None and self.last.is_lost

    @property
    def is_settled(self) -> bool:
        """Whether all that it can give has landed."""
        return self.attempts.settled


@dataclass(slots=True)
class RunState:
    """One reading of the directory; it may be old the moment it is made."""

    names: frozenset[str]
    plan: Plan | None
    rounds: list[RoundPlan]
    units: dict[str, Unit]
    """Of all rounds, in the order in which they are sent."""
    cancelled: bool
    report: RunReport | None
    """Set once the run is done."""
    resend_round: int | None = None
    """The round in which requests whose results are gone shall be sent again."""

    @property
    def open_units(self) -> list[Unit]:
        """Units whose batch is at the provider or not yet landed."""
        return [unit for unit in self.units.values() if unit.is_open]

    @property
    def gone_units(self) -> list[Unit]:
        """Units whose results are gone and that no round has sent again."""
        resent = {path for round_ in self.rounds for path in round_.resent}
        return [
            unit
            for unit in self.units.values()
            if unit.path not in resent
            and unit.last is not None
            and unit.last.ended is not None
            and unit.last.ended.verdict is Verdict.GONE
        ]

    @property
    def batch_ids(self) -> set[str]:
        """Every batch on record, adopted ones that proved foreign left out."""
        return {
            attempt.batch.id
            for unit in self.units.values()
            for attempt in unit.attempts.all
            if attempt.batch
            and not (attempt.ended and attempt.ended.verdict is Verdict.FOREIGN)
        }


class Run:
    """A run directory with a job in it."""

    def __init__(self, directory: Directory, job: ResolvedJob) -> None:
        self.directory = directory
        self.job = job
        self._records = Records(directory)

    @classmethod
    def load(cls, url: str) -> Run:
        """Open an existing run.

        Raises:
            InputError: There is no run in this directory.
        """
        directory = Directory(url)
        data = directory.read("job.json")
        if data is None:
            raise InputError(
                f"There is no run in {directory.url!r} (no job.json); `batchwright"
                " runs` lists the runs under a folder."
            )
        return cls(directory, ResolvedJob.model_validate_json(data))

    @cached_property
    def format(self) -> Format:
        """The wire format of the run's provider."""
        return get_format(self.job.provider, self.job.base_url)

    @property
    def limits(self) -> Limits:
        """What one batch of this job may hold."""
        return batch_limits(self.job.job, self.format)

    def provider(self) -> Provider:
        """Return the client of the run's provider; it is shared."""
        return provider_for(self.directory, self.job)

    def state(self) -> RunState:
        """Read where the run stands. One listing, and the records that are new."""
        names = self.directory.names()
        present = frozenset(names)
        report = None
        if "done.json" in present:
            report = RunReport.model_validate_json(
                self.directory.read("report.json") or b""
            )
        plan = None
        rounds: list[RoundPlan] = []
        units: dict[str, Unit] = {}
        if "plan.json" in present:
            plan = self._records.read("plan.json", Plan)
            while (name := f"rounds/{len(rounds) + 1}/plan.json") in present:
                rounds.append(self._records.read(name, RoundPlan))
            grouped = _attempt_files(names)
            for part in (plan.shards, *(round_.units for round_ in rounds)):
                for unit_plan in part:
                    prefix = f"{unit_plan.path}/attempts/"
                    attempts = Attempts.read(
                        self._records, prefix, grouped.get(prefix, [])
                    )
                    units[unit_plan.path] = Unit(unit_plan, attempts)
        return RunState(
            names=present,
            plan=plan,
            rounds=rounds,
            units=units,
            cancelled="cancelled.json" in present,
            report=report,
            resend_round=self._resend_round(present),
        )

    def _resend_round(self, present: AbstractSet[str]) -> int | None:
        if "resend-lost.json" not in present:
            return None
        data = self.directory.read("resend-lost.json") or b"{}"
        found: int | None = orjson.loads(data).get("round")
        return found

    def plan(self) -> Plan:
        """Return the plan of a run that has one."""
        return self._records.read("plan.json", Plan)

    def round_plan(self, number: int) -> RoundPlan:
        """Return the plan of a further round that has one."""
        return self._records.read(f"rounds/{number}/plan.json", RoundPlan)

    def unit(self, path: str) -> Unit:
        """Return one unit as it stands now. Lists that unit's folder alone."""
        kind, number, *rest = path.split("/")
        units = (
            self.plan().shards
            if kind == "shards"
            else self.round_plan(int(number)).units
        )
        plan = units[int(rest[0] if rest else number)]
        prefix = f"{path}/attempts/"
        names = [prefix + name for name in self.directory.at(prefix[:-1]).names()]
        return Unit(plan, Attempts.read(self._records, prefix, names))


def _attempt_files(names: list[str]) -> dict[str, list[str]]:
    grouped: dict[str, list[str]] = {}
    for name in names:
        folder, _, _ = name.rpartition("/")
        if folder.endswith("/attempts"):
            grouped.setdefault(folder + "/", []).append(name)
    return grouped
