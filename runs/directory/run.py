"""How far a run is, read from its directory alone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from pydantic import RootModel

from ...data.files import size_and_digest
from ...data.resolve import ResolvedJob
from ...data.reuse.shared import Shared
from ...errors import InputError
from ...models import RunReport
from ...providers import Format, Provider, get_format
from .access import provider_for
from .attempts import Attempt, Attempts, Records, by_folder
from .catalog import find_directory
from .reading import damaged, read_record
from .records import Plan, Resend, RoundPlan, ShardPlan
from .shard import Shard
from .storage import Directory

__all__ = ["Run", "RunState"]


@dataclass(slots=True)
class RunState:
    """One reading of the directory; it may be out of date at once."""

    names: frozenset[str]
    job: ResolvedJob
    """The run's, with what its retries changed."""
    plan: Plan | None
    rounds: list[RoundPlan]
    shards: dict[str, Shard]
    """Those with requests, of all rounds, in the order in which they are sent."""
    cancelled: bool
    report: RunReport | None
    """Set once the run is done."""
    resend_round: int | None = None
    """The round that sends requests again whose results are gone."""

    @property
    def retry(self) -> RoundPlan | None:
        """The newest round that a retry began."""
        return next((each for each in reversed(self.rounds) if each.retry), None)

    @property
    def since(self) -> int:
        """The number of that round; 0, the first sending, without a retry."""
        return self.retry.number if self.retry else 0

    @property
    def first_shards(self) -> Sequence[ShardPlan]:
        """Those that the newest retry, or else the run, began with."""
        if self.retry:
            return self.retry.shards
        return self.plan.senders if self.plan else ()

    def own_name(self, name: str) -> str:
        """Return the name of a file that the run has, and each of its retries."""
        return f"rounds/{self.since}/{name}" if self.since else name

    @property
    def open_shards(self) -> list[Shard]:
        """Shards whose batch is at the provider or not yet downloaded."""
        return [shard for shard in self.shards.values() if shard.is_open]

    @property
    def gone_shards(self) -> list[Shard]:
        """Shards whose results are gone and that no round has sent again."""
        resent = {path for round_ in self.rounds for path in round_.resent}
        return [
            shard
            for shard in self.shards.values()
            if shard.path not in resent
            and shard.verdict
            and shard.verdict.has_lost_results
        ]

    @property
    def newest_shards(self) -> list[Shard]:
        """Shards of the newest round; none where that one was not needed."""
        plans = self.first_shards
        if self.rounds[self.since :]:
            others = plans[1:] if self.rounds[-1].canary else ()
            plans = (*self.rounds[-1].shards, *others)
        return [self.shards[plan.path] for plan in plans]

    @property
    def canary_rounds(self) -> list[list[Shard]]:
        """The first shard, and the shards of each round that has its rows alone."""
        first = self.first_shards
        if not first:
            return []
        later = self.rounds[self.since :]
        rounds = [each.shards for each in later if len(first) == 1 or each.canary]
        return [
            [self.shards[plan.path] for plan in plans] for plans in (first[:1], *rounds)
        ]

    def attempts(self) -> Iterator[tuple[Shard, Attempt]]:
        """Yield every attempt with its shard."""
        for shard in self.shards.values():
            for attempt in shard.attempts.all:
                yield shard, attempt


class Run:
    """A run directory with a job in it."""

    def __init__(self, directory: Directory, job: ResolvedJob) -> None:
        self.directory = directory
        self.job = job
        self._records = Records(directory)

    @classmethod
    def load(cls, url: str) -> Run:
        """Open an existing run, given its directory or its name.

        Raises:
            InputError: There is no run in this directory, nor one of this name.
        """
        directory = find_directory(url)
        if not directory.exists("job.json"):
            raise InputError(
                f"There is no run in {directory.url!r} (no job.json); `batchwright"
                " runs` lists the runs under a folder."
            )
        return cls(directory, read_record(directory, "job.json", ResolvedJob))

    @cached_property
    def format(self) -> Format:
        """The wire format of the run's provider."""
        return get_format(self.job.provider, self.job.base_url)

    def provider(self) -> Provider:
        """Return the client of the run's provider; it is shared."""
        return provider_for(self.directory, self.job)

    @cached_property
    def shared(self) -> Shared:
        """The rows of a run with a plan that share requests."""
        digest = self.plan().shared_digest
        if digest is None:
            return Shared()
        with self.as_made("shared", digest) as path:
            return Shared(path.read_bytes())

    def state(self) -> RunState:
        """Read how far the run is: one listing, and the records that are new."""
        present = frozenset(names := self.directory.names())
        report = None
        if "done.json" in present:
            report = read_record(self.directory, "report.json", RunReport)
        resend = None
        if "resend-lost.json" in present:
            resend = read_record(self.directory, "resend-lost.json", Resend)
        plan = None
        rounds: list[RoundPlan] = []
        shards: dict[str, Shard] = {}
        if "plan.json" in present:
            plan = self.plan()
            while f"rounds/{len(rounds) + 1}/plan.json" in present:
                rounds.append(self.round_plan(len(rounds) + 1))
            grouped = by_folder(names)
            since = max((each.number for each in rounds if each.retry), default=0)
            sent = (plan.senders, *(each.shards for each in rounds))
            for number, plans in enumerate(sent):
                for each in plans:
                    shards[each.path] = shard = self._shard(each, grouped)
                    shard.is_superseded = number < since
        elif any(name.endswith((".intent.json", ".batch.json")) for name in names):
            raise damaged(self.directory, "plan.json", "it is missing")
        return RunState(
            names=present,
            job=self.job_at(len(rounds)),
            plan=plan,
            rounds=rounds,
            shards=shards,
            cancelled="cancelled.json" in present,
            report=report,
            resend_round=resend.round if resend else None,
        )

    def plan(self) -> Plan:
        """Return the plan of a run that has one."""
        return self._records.read("plan.json", Plan)

    def round_plan(self, number: int) -> RoundPlan:
        """Return the plan of a further round that has one."""
        return self._records.read(f"rounds/{number}/plan.json", RoundPlan)

    def reasked(self, number: int) -> dict[int, int]:
        """Return how often each row of a round was asked again, by its row."""
        name = f"rounds/{number}/reasked.json"
        if not self.directory.exists(name):
            return {}
        return read_record(self.directory, name, RootModel[dict[int, int]]).root

    def job_at(self, number: int) -> ResolvedJob:
        """Return the job of a round, with what retries had changed by then."""
        for each in range(number, 0, -1):
            if retry := self.round_plan(each).retry:
                return retry.job
        return self.job

    def newest_job(self) -> ResolvedJob:
        """Return the job with all that its retries changed."""
        number = 0
        while self.directory.exists(f"rounds/{number + 1}/plan.json"):
            number += 1
        return self.job_at(number)

    def reopen(self) -> None:
        """Remove what was concluded from the results; the results themselves stay."""
        for name in self.directory.names():
            if name.endswith("/tally.json"):
                self.directory.remove(name)
        self.directory.remove("done.json")

    @contextmanager
    def as_made(self, name: str, digest: str | None) -> Iterator[Path]:
        """Give a local path of rows or requests that are as they were made.

        Raises:
            RunError: The file is missing or has changed.
        """
        if not self.directory.exists(name):
            raise damaged(self.directory, name, "it is missing")
        with self.directory.local(name) as path:
            if digest not in {None, size_and_digest(str(path))[1]}:
                raise damaged(self.directory, name, "it is not as it was made")
            yield path

    def shard(self, path: str) -> Shard:
        """Return one shard as it is now; lists the folder of that shard alone."""
        folder, _, index = path.rpartition("/")
        plans: tuple[ShardPlan, ...] = (
            self.plan().shards
            if folder == "shards"
            else self.round_plan(int(folder.removeprefix("rounds/"))).shards
        )
        prefix = f"{path}/attempts/"
        names = [prefix + name for name in self.directory.at(prefix[:-1]).names()]
        return self._shard(plans[int(index)], {prefix: names})

    def _shard(self, plan: ShardPlan, names: dict[str, list[str]]) -> Shard:
        prefix = f"{plan.path}/attempts/"
        return Shard(plan, Attempts.read(self._records, prefix, names.get(prefix, ())))
