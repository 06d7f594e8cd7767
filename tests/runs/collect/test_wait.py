"""Tests of `runs.wait`: what ends a wait when two processes share a remote run."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pytest

from batchwright.data.job import BatchJob
from batchwright.models import Batch
from batchwright.runs.collect.poll import Poller
from batchwright.runs.collect.wait import wait_for_shards
from batchwright.runs.directory.run import Run
from batchwright.runs.drive import drive
from batchwright.runs.open import open_run
from batchwright.sandbox import Sandbox

HOUR = 3600
ONE_ENDS = {
    "durations": {"in_progress": HOUR},
    "batches": [{"nth": [2], "durations": {"in_progress": 10 * HOUR}}],
}


@pytest.fixture
def run(sandbox: Sandbox, tmp_path: Path) -> Run:
    """A run on a shared store with two open batches, the second of which is slow."""
    sandbox.set_faults(ONE_ENDS)
    (tmp_path / "in.csv").write_text("text\none\ntwo\n", encoding="utf-8")
    job = BatchJob(
        input=str(tmp_path / "in.csv"),
        output=str(tmp_path / "out.jsonl"),
        prompt="{{ text }}",
        model="gpt-5-mini",
        max_requests_per_batch=1,
    )
    run = open_run(job, f"memory://{tmp_path}/run")
    assert drive(run, wait=False).state == "open"
    assert len(run.state().open_shards) == 2
    return run


def another(run: Run) -> Run:
    """Return the same run as another process has it."""
    return Run.load(run.directory.url)


def test_a_run_that_another_process_finished_is_not_waited_for(
    run: Run, sandbox: Sandbox
) -> None:
    """Even where that happened between looking what to do and waiting."""

    def wait_for(waiting: Run, until: datetime | None) -> frozenset[str]:
        sandbox.settle()
        assert drive(another(run), wait=True).state == "done"
        return wait_for_shards(waiting, until)

    assert drive(run, wait=True, wait_for=wait_for).state == "done"


def test_a_batch_that_another_process_landed_ends_the_wait(
    run: Run, sandbox: Sandbox
) -> None:
    """There may be something to do instead, and the other process may be gone."""

    class Late(Poller):
        """Looks, and then the other process is faster."""

        def look(self, open_batches: dict[str, datetime]) -> dict[str, Batch | None]:
            seen = super().look(open_batches)
            sandbox.advance(2 * HOUR)
            drive(another(run), wait=False)
            return seen

    assert wait_for_shards(run, poller=Late(run.provider())) == frozenset()
    assert len(run.state().open_shards) == 1
