"""Tests of many machines: workers that share a server, a store, and nothing else."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from typing import Any

import pytest
from prefect import get_client
from prefect.client.schemas.filters import DeploymentFilter, FlowRunFilter
from prefect.client.schemas.objects import FlowRun
from prefect.deployments import run_deployment
from prefect.settings import PREFECT_API_URL, temporary_settings
from upath import UPath

from batchwright.sandbox import Sandbox

pytestmark = [pytest.mark.prefect, pytest.mark.long]

ROWS = [f"text {number}" for number in range(6)]
MODELS = {"a": "gpt-5-mini", "b": "claude-sonnet-4-5", "c": "gpt-5-mini"}
UNREACHABLE = {"operation": "list", "do": "status", "status": 503}


def trigger(bucket: str, name: str) -> FlowRun:
    """Ask the deployment for a run of two shards, all of whose files are on S3."""
    return run_deployment(
        "run-batch/run-batch",
        parameters={
            "job": {
                "input": f"{bucket}/rows.csv",
                "prompt": "Say something about {{ text }}",
                "model": MODELS[name],
                "max_requests_per_batch": 3,
                "output": f"{bucket}/{name}.csv",
            },
            "run_dir": f"{bucket}/runs/{name}",
            "wait": "poll",
        },
        timeout=0,
    )


def now(run: FlowRun) -> FlowRun:
    """Return the flow run as the server has it."""
    with get_client(sync_client=True) as client:
        return client.read_flow_run(run.id)


def is_submitting(run: FlowRun) -> bool:
    """Whether a first batch of the flow run is being created."""
    with get_client(sync_client=True) as client:
        tasks = client.read_task_runs(
            flow_run_filter=FlowRunFilter(id={"any_": [run.id]})
        )
    return any(
        task.name.endswith("shards/00000") and task.state_name == "Running"
        for task in tasks
    )


def stop_the_sweep() -> bool:
    """Pause the sweep, which works on runs too, once it is seen to be scheduled."""
    with get_client(sync_client=True) as client:
        sweep = client.read_deployment_by_name("advance-runs/advance-runs")
        scheduled = client.read_flow_runs(
            deployment_filter=DeploymentFilter(id={"any_": [sweep.id]})
        )
        if scheduled:
            client.pause_deployment(sweep.id)
    return bool(scheduled)


def texts(bucket: str, name: str) -> list[str]:
    """Return the rows of an output whose answer succeeded."""
    table = UPath(f"{bucket}/{name}.csv", use_listings_cache=False).read_text("utf-8")
    rows = csv.DictReader(io.StringIO(table, newline=""))
    return [row["text"] for row in rows if row["_outcome"] == "succeeded"]


def test_two_workers_share_a_server_and_a_store(
    cluster: Any, bucket: str, sandbox: Sandbox, eventually: Callable[..., Any]
) -> None:
    """Each does runs of its own; of two on the same run, one leaves and says so."""
    UPath(f"{bucket}/rows.csv").write_text("\n".join(["text", *ROWS]), "utf-8")
    sandbox.set_faults({"durations": {"in_progress": 3600}})
    with temporary_settings({PREFECT_API_URL: cluster.api_url}):
        eventually("the sweep is scheduled", stop_the_sweep)
        runs = [trigger(bucket, name) for name in ("a", "b")]
        eventually("both are in flight", lambda: sandbox.created() == 4)
        sandbox.settle()
        for run in runs:
            eventually("its end", lambda run=run: now(run).state.is_final())
            assert now(run).state_name == "Completed", now(run).state
            done_by = [f"flow-run/{run.id}" in each.log for each in cluster.workers]
            assert sum(done_by) == 1
        assert texts(bucket, "a") == texts(bucket, "b") == ROWS

        # Both come to the first creation before either can go on.
        sandbox.set_faults({"calls": [UNREACHABLE]})
        rivals = [trigger(bucket, "c") for _ in range(2)]
        for rival in rivals:
            eventually("its first creation", lambda run=rival: is_submitting(run))
        before = len(sandbox.calls())
        eventually("calls of both", lambda: len(sandbox.calls()) >= before + 20)
        sandbox.set_faults(None)
        for rival in rivals:
            eventually("its end", lambda run=rival: now(run).state.is_final())
        ends = {now(rival).state_name: now(rival).state for rival in rivals}
    assert set(ends) == {"Completed", "Failed"}
    assert "Another process is just creating the batch" in ends["Failed"].message
    assert texts(bucket, "c") == ROWS
    assert sandbox.created() == 6
    assert all(not list(worker.data.iterdir()) for worker in cluster.workers)
