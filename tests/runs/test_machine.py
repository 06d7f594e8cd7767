"""A state machine that does to runs whatever can happen to them, in any order.

After each step: no request was bought twice, nothing is created for a cancelled run,
no record is half-written. A finished table holds every row once, in order.
"""

from __future__ import annotations

import shutil
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import httpx2
import orjson
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from batchwright.data.job import BatchJob
from batchwright.models import Batch, Intent, RunReport
from batchwright.providers import Provider
from batchwright.providers.anthropic.client import AnthropicProvider
from batchwright.providers.openai.client import OpenAIProvider
from batchwright.runs.directory.records import Absence, Ended, Plan, RoundPlan
from batchwright.runs.directory.run import Run
from batchwright.runs.directory.storage import Directory
from batchwright.runs.drive import cancel_run, drive
from batchwright.runs.open import open_run, reopen_run
from batchwright.runs.retry import open_retry
from batchwright.sandbox import Sandbox

DAY_SECONDS = 86_400
LONG = {"in_progress": 3600}
"""Batches end when the clock moves, not before."""
FAULTS: list[dict[str, Any]] = [
    {},
    {"calls": [{"operation": "create", "do": "drop", "after": True, "first": 1}]},
    {"calls": [{"operation": "create", "do": "drop", "after": False, "first": 2}]},
    {"calls": [{"operation": "create", "do": "html", "nth": [2]}]},
    {"calls": [{"do": "status", "status": 503, "probability": 0.2}]},
    {"calls": [{"do": "status", "status": 429, "retry_after_ms": 1, "first": 5}]},
    {"calls": [{"operation": "download", "do": "cut", "first": 2}]},
    {"batches": [{"first": 2, "end": "expired", "ran": 0.5}]},
    {"batches": [{"nth": [1], "end": "cancelled", "ran": 0.3}]},
    {"batches": [{"nth": [1], "lines": {"missing": {"nth": [1]}}}]},
    {"batches": [{"lines": {"duplicate": {"nth": [2]}, "foreign_id": {"nth": [1]}}}]},
    {"batches": [{"answers": [{"status": 500, "every": 2}]}]},
    {"batches": [{"answers": [{"status": 400, "every": 2}]}]},
    {"batches": [{"first": 2, "provider": "openai", "fail": [{}]}]},
    {
        "batches": [
            {
                "first": 2,
                "provider": "openai",
                "fail": [{"code": "token_limit_exceeded"}],
            }
        ]
    },
]
STEPS = [
    "",  # any
    "GET",
    "POST",
    "requests.jsonl",
    "plan.json",
    "intent.json",
    "batch.json",
    "output.jsonl",
    "ended.json",
    "tally.json",
    "report.json",
]
"""Parts of the names of the steps at which a process may die."""


class Death(BaseException):
    """The process ends here; nothing below catches it."""


class Fate:
    """Ends the process at the n-th step of a kind: a write, or a call over HTTP."""

    def __init__(self, kind: str, nth: int, *, before: bool) -> None:
        self._kind = kind
        self._left = nth
        self._before = before

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Do one step, and perhaps die before or after it."""
        self._left -= self._kind in name
        dies = self._kind in name and self._left == 0
        if dies and self._before:
            raise Death
        yield
        if dies:
            raise Death


class MortalDirectory(Directory):
    """A directory whose writes are steps."""

    def __init__(self, url: str, fate: Fate) -> None:
        super().__init__(url)
        self._fate = fate

    def write_once(self, name: str, data: bytes) -> None:
        """Write as a step."""
        with self._fate.step(name):
            super().write_once(name, data)

    def write(self, name: str, data: bytes) -> None:
        """Write as a step."""
        with self._fate.step(name):
            super().write(name, data)

    def adopt(self, source: Path, name: str) -> None:
        """Write as a step."""
        with self._fate.step(name):
            super().adopt(source, name)


class MortalTransport(httpx2.HTTPTransport):
    """A network whose calls are steps."""

    def __init__(self, fate: Fate) -> None:
        super().__init__()
        self._fate = fate

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        """Call as a step."""
        with self._fate.step(f"{request.method} {request.url.path}"):
            return super().handle_request(request)


class MortalRun(Run):
    """A run in a process that dies."""

    def __init__(self, run: Run, fate: Fate) -> None:
        super().__init__(MortalDirectory(run.directory.url, fate), run.job)
        kind = OpenAIProvider if run.job.provider == "openai" else AnthropicProvider
        self._provider = kind(run.job.base_url, transport=MortalTransport(fate))

    def provider(self) -> Provider:
        """Return a client on the mortal network."""
        return self._provider


class Runs(RuleBasedStateMachine):
    """One run against one sandbox, and the world around them."""

    def __init__(self) -> None:
        super().__init__()
        self.sandbox = Sandbox().start()
        self.folder = Path(tempfile.mkdtemp(prefix="batchwright-machine-"))
        self.environment = pytest.MonkeyPatch()
        for name, value in self.sandbox.environment().items():
            self.environment.setenv(name, value)
        self.url = str(self.folder / "run")
        self.rows = 0
        self.report: RunReport | None = None
        self.created_at_cancel: int | None = None

    def teardown(self) -> None:
        """Whatever happened, the run ends with a whole table."""
        try:
            if self.rows:
                self.sandbox.set_faults({"durations": LONG})
                deadline = time.monotonic() + 60
                while self.report is None:
                    assert time.monotonic() < deadline, "the run does not end"
                    self.sandbox.settle()
                    self.look(drive(Run.load(self.url), wait=False))
                self.nothing_is_bought_twice()
                self.records_are_whole()
        finally:
            self.sandbox.stop()
            self.environment.undo()
            shutil.rmtree(self.folder)

    @initialize(
        provider=st.sampled_from(["gpt-5-mini", "claude-sonnet-4-5"]),
        rows=st.integers(1, 7),
        each=st.integers(1, 3),
        in_flight=st.integers(1, 4),
    )
    def start(self, provider: str, rows: int, each: int, in_flight: int) -> None:
        """Make the run; it has done nothing yet."""
        self.rows = rows
        lines = "".join(f"text {row}\n" for row in range(rows))
        (self.folder / "in.csv").write_text("text\n" + lines, encoding="utf-8")
        job = BatchJob(
            input=str(self.folder / "in.csv"),
            output=str(self.folder / "out.jsonl"),
            prompt="Say something about {{ text }}",
            model=provider,
            max_requests_per_batch=each,
            max_in_flight=in_flight,
        )
        open_run(job, self.url)
        self.sandbox.set_faults({"durations": LONG})

    @rule()
    def advance(self) -> None:
        """Do what can be done now."""
        self.look(drive(Run.load(self.url), wait=False))

    @rule(kind=st.sampled_from(STEPS), nth=st.integers(1, 5), before=st.booleans())
    def die(self, kind: str, nth: int, before: bool) -> None:  # noqa: FBT001 - drawn
        """Do some of what can be done now, and die."""
        run = MortalRun(Run.load(self.url), Fate(kind, nth, before=before))
        with suppress(Death):
            self.look(drive(run, wait=False))

    @rule(faults=st.sampled_from(FAULTS), seed=st.integers(0, 3))
    def break_the_provider(self, faults: dict[str, Any], seed: int) -> None:
        """From now on calls, new batches or their answers go wrong, or no more."""
        self.sandbox.set_faults(faults | {"durations": LONG, "seed": seed})

    @rule()
    def let_batches_end(self) -> None:
        """All that is at the provider ends."""
        self.sandbox.settle()

    @rule(seconds=st.sampled_from([60, 3600, DAY_SECONDS, 40 * DAY_SECONDS]))
    def move_the_clock(self, seconds: int) -> None:
        """Batches end or expire, and results are deleted."""
        self.sandbox.advance(seconds)

    # Which rules there are must not depend on how far a run has come, as that depends
    # on time; a rule that has nothing to do does nothing.

    @rule()
    def cancel(self) -> None:
        """Stop the run for good."""
        if self.report is not None:
            return
        cancel_run(self.url)
        if self.created_at_cancel is None:
            self.created_at_cancel = self.sandbox.created()

    @rule()
    def uncancel(self) -> None:
        """Let it go on after all."""
        if self.created_at_cancel is None:
            return
        reopen_run(self.url, uncancel=True)
        self.created_at_cancel = self.report = None

    @rule()
    def resend_lost(self) -> None:
        """Buy again what the provider has deleted."""
        if not Run.load(self.url).state().gone_shards:
            return
        reopen_run(self.url, resend_lost=True)
        self.report = None

    @rule(changes=st.sampled_from([{}, {"prompt": "Again: {{ text }}"}]))
    def retry(self, changes: dict[str, str]) -> None:
        """Ask failed rows again, also those of a run that was cancelled."""
        if self.report is None:
            return
        if open_retry(self.url, changes).state().report is None:
            self.created_at_cancel = self.report = None

    def look(self, report: RunReport) -> None:
        """Check a report; that of a run that is over, against its table."""
        if report.ended_at is None:
            return
        self.report = report
        assert sum(report.outcomes.values()) == report.rows == self.rows
        lines = (self.folder / "out.jsonl").read_bytes().splitlines()
        table = [orjson.loads(line) for line in lines]
        assert [row["text"] for row in table] == [
            f"text {row}" for row in range(self.rows)
        ]
        outcomes = Counter(row["_outcome"] for row in table)
        assert outcomes == {str(each): n for each, n in report.outcomes.items()}
        for row in table:
            succeeded = row["_outcome"] == "succeeded"
            assert (row["answer"] is not None) == succeeded
            assert (row["_error"] is None) == succeeded

    @invariant()
    def nothing_is_bought_twice(self) -> None:
        """A request is sent again only where the provider refused its file."""
        sent = Counter(
            batch.first_custom_id
            for batch in self.sandbox.batches()
            if batch.status not in {"failed", "validating"}
        )
        assert not [custom_id for custom_id, times in sent.items() if times > 1]

    @invariant()
    def a_cancelled_run_buys_nothing(self) -> None:
        """From the mark on nothing is created, whatever was lost before it."""
        if self.created_at_cancel is not None:
            assert self.sandbox.created() == self.created_at_cancel

    @invariant()
    def records_are_whole(self) -> None:
        """Each file that is there can be read to its end."""
        kinds = {
            "intent": Intent,
            "batch": Batch,
            "absent": Absence,
            "ended": Ended,
        }
        for path in Path(self.url).rglob("*.json"):
            data = path.read_bytes()
            if path.parent.name == "attempts":
                kinds[path.name.split(".")[1]].model_validate_json(data)
            elif path.name == "plan.json":
                plan = RoundPlan if "rounds" in path.parts else Plan
                plan.model_validate_json(data)
            else:
                orjson.loads(data)
        for path in Path(self.url).rglob("attempts/*.ended.json"):
            ended = Ended.model_validate_json(path.read_bytes())
            if ended.verdict.has_results:
                number = path.name[:3]
                output = path.with_name(f"{number}.output.jsonl").read_bytes()
                assert output.count(b"\n") == ended.lines


def explore(environment: pytest.MonkeyPatch, examples: int) -> None:
    """Try so many histories."""
    environment.setenv("BATCHWRIGHT_SETTLE_SECONDS", "0.2")
    environment.setenv("BATCHWRIGHT_POLL_SECONDS", "0.01")
    environment.setenv("BATCHWRIGHT_MAX_POLL_SECONDS", "0.05")
    environment.setenv("BATCHWRIGHT_ROUND_SECONDS", "0.01")
    environment.setenv("BATCHWRIGHT_RETRY_SECONDS", "0.01")
    run_state_machine_as_test(
        Runs,
        settings=settings(
            max_examples=examples,
            stateful_step_count=20,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )


def test_whatever_happens_to_a_run(monkeypatch: pytest.MonkeyPatch) -> None:
    """Twenty histories of faults, deaths, expiries, cancellations and resumes."""
    explore(monkeypatch, 20)


@pytest.mark.long
def test_whatever_happens_to_many_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same, a thousand times."""
    explore(monkeypatch, 1000)
