"""Tests of the sweep as a deployment: many runs, no process between, and a kill."""

from __future__ import annotations

import csv
import os
import signal
from pathlib import Path
from typing import Any

import pytest
from prefect import get_client
from prefect.client.schemas.filters import FlowRunFilter
from prefect.client.schemas.objects import FlowRun

from batchwright import BatchJob
from batchwright.runs.drive import drive
from batchwright.runs.open import open_run

pytestmark = pytest.mark.prefect

DEPLOYMENTS = Path(__file__).parents[2] / "deployments"
SWEEP = "advance-runs/advance-runs"
RUNS = 20
HELD = 8
"""So many downloads get through before the machine dies."""


def alive() -> list[FlowRun]:
    """Return the flow runs that are running now."""
    running = FlowRunFilter(state={"type": {"any_": ["RUNNING"]}})
    with get_client(sync_client=True) as client:
        return client.read_flow_runs(flow_run_filter=running)


def rows(path: Path) -> list[tuple[str, str]]:
    """Return each row of a table, and what became of it."""
    with path.open(encoding="utf-8", newline="") as file:
        return [(row["text"], row["_outcome"]) for row in csv.DictReader(file)]


@pytest.fixture
def _automation(platform: Any, tmp_path: Path) -> None:
    """Create the automation for dead machines, with as little patience as can be."""
    text = (DEPLOYMENTS / "automations.yaml").read_text(encoding="utf-8")
    hasty = tmp_path / "automations.yaml"
    hasty.write_text(text.replace("within: 540", "within: 35"), encoding="utf-8")
    assert hasty.read_text(encoding="utf-8") != text
    platform.type(f"prefect automation create --from-file {hasty}")


@pytest.mark.long
@pytest.mark.usefixtures("_automation")
def test_a_worker_killed_in_the_middle_of_a_sweep(
    platform: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Twenty runs end in twenty tables and twenty batches; sweeps are never two.

    The dead sweep is Crashed by the automation, which lets the next one run.
    """
    sandbox = platform.sandbox
    for name, value in sandbox.environment().items():
        monkeypatch.setenv(name, value)
    texts = ["one", "two"]
    table = platform.home / "many.csv"
    table.write_text("\n".join(["text", *texts]), encoding="utf-8")
    outputs = [platform.home / f"many-{number}.csv" for number in range(RUNS)]
    before = len(sandbox.batches())
    sandbox.set_faults({"durations": {"in_progress": 3600}})
    for output in outputs:
        job = BatchJob(
            input=str(table),
            prompt="Say something about {{ text }}",
            model="gpt-5-mini",
            output=str(output),
        )
        # What `run_batch` does for `detach`, without a flow run for each of the twenty.
        run = open_run(job, str(platform.runs / output.stem))
        assert drive(run, wait=False).state == "open"
    assert alive() == []
    sandbox.settle()

    stuck = [{"operation": "download", "do": "status"}]
    free = [{"operation": "download", "do": "slow", "seconds": 0, "first": HELD}]
    sandbox.set_faults({"calls": free + stuck})
    sweep = platform.trigger(SWEEP)
    platform.eventually("a part", lambda: sum(map(Path.exists, outputs)) == HELD)
    second = platform.trigger(SWEEP)
    platform.reaches(second, "Cancelled")
    process = platform.process_of(sweep)
    command = platform.kill("worker")
    os.kill(process, signal.SIGKILL)
    assert sum(map(Path.exists, outputs)) == HELD
    sandbox.set_faults(None)

    platform.type(command + "&")
    platform.reaches(sweep, "Crashed")
    platform.reaches(platform.trigger(SWEEP), "Completed")
    for output in outputs:
        assert rows(output) == [(text, "succeeded") for text in texts]
    batches = sandbox.batches()[before:]
    assert len(batches) == RUNS
    assert len({batch.first_custom_id for batch in batches}) == RUNS
