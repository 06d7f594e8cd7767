"""Tests of `deployments/prefect.yaml`: what is documented is typed, and works."""

from __future__ import annotations

import csv
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from prefect import get_client
from prefect.client.schemas.objects import FlowRun
from prefect.states import Scheduled
from pyarrow.parquet import read_table

from batchwright import advance_runs

pytestmark = pytest.mark.prefect


def outcomes(path: Path) -> list[str]:
    """Return what became of each row of a table."""
    with path.open(encoding="utf-8", newline="") as file:
        return [row["_outcome"] for row in csv.DictReader(file)]


def night(when: datetime) -> FlowRun:
    """Return the flow run that the schedule makes for a night."""
    with get_client(sync_client=True) as client:
        deployment = client.read_deployment_by_name("run-batch/nightly")
        return client.create_flow_run_from_deployment(
            deployment.id, state=Scheduled(scheduled_time=when)
        )


def test_the_documented_commands_end_in_a_table(platform: Any) -> None:
    """A project, a server, a work pool, a worker, deployments and a run."""
    platform.type(platform.trial)
    assert outcomes(platform.home / "labels.csv") == ["succeeded"] * 12


def test_the_deployments_are_as_described(platform: Any) -> None:
    """Names, schedules and limits are those of the file; no code is copied."""
    with get_client(sync_client=True) as client:
        found = {each.name: each for each in client.read_deployments()}
    assert set(found) == {
        "label-emails",
        "run-batch",
        "retry-run",
        "nightly",
        "advance-runs",
    }
    crons = {
        name: [(each.schedule.cron, each.active) for each in deployment.schedules]
        for name, deployment in found.items()
    }
    assert crons == {
        "label-emails": [],
        "run-batch": [],
        "retry-run": [],
        "nightly": [("30 2 * * *", False)],
        "advance-runs": [("*/10 * * * *", True)],
    }
    for deployment in found.values():
        (step,) = deployment.pull_steps
        assert step == {
            "prefect.deployments.steps.set_working_directory": {
                "directory": str(platform.home)
            }
        }
    form = found["run-batch"].parameter_openapi_schema["properties"]
    assert form["wait"]["enum"] == ["poll", "detach", "suspend"]


@pytest.mark.long
def test_two_nights_are_two_runs_and_a_retry_is_none(
    platform: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The date is that of the scheduled start, also when a night is done again."""
    for name, value in platform.sandbox.environment().items():
        monkeypatch.setenv(name, value)
    folder = platform.home / "input"
    folder.mkdir()
    before = platform.sandbox.created()
    nights = {}
    for days in (3, 2):
        when = datetime.now(UTC) - timedelta(days=days)
        name = f"{when:%Y-%m-%d}"
        (folder / f"{name}.csv").write_text(f"email\n{name}\n", encoding="utf-8")
        nights[name] = night(when)
    for run in nights.values():
        platform.reaches(run, "Completed")
    platform.sandbox.settle()
    advance_runs(str(platform.runs))
    again = next(iter(nights.values()))
    platform.type(f"prefect flow-run retry {again.id}")
    platform.eventually("a retry", lambda: platform.now(again).run_count == 2)
    platform.reaches(again, "Completed")
    assert platform.sandbox.created() == before + 2
    for name in nights:
        shard = platform.runs / f"nightly-{name}" / "shards" / "00000"
        requests = (shard / "requests.jsonl").read_text(encoding="utf-8")
        assert f"Classify this email: {name}" in requests
        table = platform.home / "output" / f"{name}.parquet"
        assert read_table(table)["_outcome"].to_pylist() == ["succeeded"]
