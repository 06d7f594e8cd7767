"""Tests of waiting without a process, in flows that a worker runs."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from prefect.client.schemas.objects import FlowRun

from batchwright import BatchJob, advance_runs, run_batch

pytestmark = pytest.mark.prefect

PAGE = Path(__file__).parents[2] / "docs" / "prefect.md"
LONG = {"in_progress": 3600}
TOO_LATE = """
from pathlib import Path
from prefect import flow
from batchwright.flows import suspend_until_done
from batchwright.flows.suspend import suspend_for
from batchwright.runs.directory.run import Run

@flow
def too_late(run_dir: str) -> None:
    first = Path("first")
    if not first.exists():
        first.touch()
        suspend_for(Run.load(run_dir))
    suspend_until_done(run_dir)
"""


@pytest.fixture(autouse=True)
def _here(platform: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Sweep from this process too, with what the worker has in its environment."""
    for name, value in platform.sandbox.environment().items():
        monkeypatch.setenv(name, value)
    yield
    platform.sandbox.set_faults(None)


def documented_flow() -> str:
    """Return the flow of the documentation that suspends itself."""
    found = re.search(
        r"<!-- file: label_and_count.py -->\n```python\n(.*?)^```$",
        PAGE.read_text(encoding="utf-8"),
        re.MULTILINE | re.DOTALL,
    )
    assert found is not None
    return found[1]


def job(platform: Any, name: str) -> dict[str, Any]:
    """Return a job of four rows, as a form would give it."""
    rows = platform.home / f"{name}.csv"
    rows.write_text("text\na\nb\nc\nd\n", encoding="utf-8")
    return {
        "input": str(rows),
        "prompt": "Say something about {{ text }}",
        "model": "gpt-5-mini",
        "output": str(platform.home / f"{name}-out.csv"),
    }


def sweep(platform: Any) -> set[str]:
    """Sweep once; returns the states of the runs that were open."""
    return {report.state for report in advance_runs(str(platform.runs))}


def is_suspended(platform: Any, *runs: FlowRun) -> bool:
    """Whether the flow runs are suspended and have no process."""
    for run in runs:
        platform.reaches(run, "Suspended")
        platform.eventually("no process", lambda run=run: not platform.is_alive(run))
    return True


@pytest.mark.long
def test_flow_runs_are_suspended_through_several_rounds(platform: Any) -> None:
    """Both kinds have no process while two rounds run, then what follows is done."""
    half = {"end": "expired", "ran": 0.5, "durations": LONG, "first": 2}
    platform.sandbox.set_faults({"durations": LONG, "batches": [half]})
    before = platform.sandbox.created()
    mine = platform.deploy("label_and_count", documented_flow())
    runs = [
        platform.trigger(
            "run-batch/run-batch", job=job(platform, "own"), wait="suspend"
        ),
        platform.trigger(mine, job=job(platform, "mine")),
    ]
    assert is_suspended(platform, *runs)
    assert sweep(platform) == {"open"}
    assert platform.sandbox.created() == before + 2
    platform.sandbox.settle()
    # A further round comes after a pause, which a sweep does not wait for.
    platform.eventually(
        "a second round",
        lambda: sweep(platform) == {"open"} and platform.sandbox.created() > before + 3,
    )
    assert is_suspended(platform, *runs)
    platform.sandbox.settle()
    assert sweep(platform) == {"done"}
    for run, output in zip(runs, ("own-out.csv", "mine-out.csv"), strict=True):
        platform.reaches(run, "Completed")
        table = (platform.home / output).read_text(encoding="utf-8")
        assert table.count("succeeded") == 4
    assert platform.sandbox.created() == before + 4


def test_what_is_over_is_resumed_however_it_came(platform: Any) -> None:
    """A flow run suspended after its run's end goes on; one that cannot, says why."""
    finished = run_batch(
        BatchJob(**job(platform, "finished")), str(platform.runs / "f")
    )
    assert finished.ok
    refused = {"durations": LONG, "answers": [{"status": 400}]}
    platform.sandbox.set_faults({"batches": [refused]})
    mine = platform.deploy("too_late", TOO_LATE)
    late = platform.trigger(mine, run_dir=finished.run_dir)
    stuck = platform.trigger(
        "run-batch/run-batch",
        job=job(platform, "stuck") | {"canary": 2},
        wait="suspend",
    )
    assert is_suspended(platform, late, stuck)
    platform.sandbox.settle()
    sweep(platform)
    platform.reaches(late, "Completed")
    state = platform.reaches(stuck, "Failed").state
    assert "of the first 2 rows succeeded" in state.message
