"""Tests of names on Prefect's pages: each says which run, and which shard."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterId
from prefect.client.schemas.objects import State
from pydantic import BaseModel

from batchwright import BatchJob, advance_runs, retry_run, run_batch
from batchwright.flows import resume_run
from batchwright.sandbox import Sandbox
from batchwright.tasks.names import run_name

pytestmark = [
    pytest.mark.prefect,
    pytest.mark.usefixtures("prefect_server"),
]


class Reply(BaseModel):
    """What is said."""

    said: str


def names(state: State[object], recorded: Callable[[], None]) -> tuple[str, set[str]]:
    """Return the names of a flow run and of its task runs."""
    recorded()
    flow_run_id = state.state_details.flow_run_id
    assert flow_run_id is not None
    with get_client(sync_client=True) as client:
        flow_run = client.read_flow_run(flow_run_id)
        task_runs = client.read_task_runs(
            flow_run_filter=FlowRunFilter(id=FlowRunFilterId(any_=[flow_run_id]))
        )
    # Prefect counts a task outside of flows to the flow run that was there before.
    return flow_run.name, {each.name for each in task_runs} - {"last"}


def test_names_say_which_run_and_which_shard(
    sandbox: Sandbox,
    tmp_path: Path,
    recorded: Callable[[], None],
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A night's run is told from another's in every list, and so are its shards.

    The final state says how many rows succeeded, and the logs what was done.
    """
    logger = logging.getLogger("prefect.task_runs")
    logger.addHandler(caplog.handler)
    sandbox.set_faults(
        {
            "durations": {"in_progress": 1000},
            "batches": [{"nth": [1], "answers": [{"status": 400}]}],
        }
    )
    rows = tmp_path / "rows.csv"
    rows.write_text("text\none\ntwo\n", encoding="utf-8")
    job = BatchJob(
        input=str(rows),
        prompt="Say {{ text }}",
        model="gpt-5-mini",
        response_model=Reply,
        output=str(tmp_path / "out-{date:%Y}.csv"),
        max_requests_per_batch=1,
    )
    day = datetime.now(UTC)
    run = f"night-{day:%Y}"
    root = tmp_path / "runs"
    state = run_batch(
        job, f"{root}/night-{{date:%Y}}", wait="detach", return_state=True
    )
    shards = [f"{run}/shards/0000{shard}" for shard in range(2)]
    assert state.message == "open: 0 of 2 batches have ended"
    assert names(state, recorded) == (
        f"run-batch {run}",
        {f"generate {run}", *(f"submit {shard}" for shard in shards)},
    )
    assert names(advance_runs(str(root), return_state=True), recorded) == (
        "advance-runs",
        {f"advance {run}"},
    )
    sandbox.settle()
    state = resume_run(f"{root}/{run}", return_state=True)
    assert state.message == "1 of 2 rows succeeded"
    flow_run, tasks = names(state, recorded)
    assert flow_run == f"resume {run}"
    assert tasks == {
        f"wait {run}",
        f"write-output {run}",
        *(f"{step} {shard}" for step in ("download", "parse") for shard in shards),
    }
    sandbox.set_faults({})
    state = retry_run(f"{root}/{run}", response_model=Reply, return_state=True)
    assert state.message == "2 of 2 rows succeeded"
    assert state.result().ok
    flow_run, tasks = names(state, recorded)
    assert flow_run == f"retry {run}"
    assert f"submit {run}/rounds/1/00000" in tasks
    flow_run, _ = names(run_batch(job, wait="detach", return_state=True), recorded)
    assert flow_run == f"run-batch out-{day:%Y}.csv"
    logger.removeHandler(caplog.handler)
    assert "Made 2 requests for 2 batches" in caplog.messages
    said = r"Created batch batch_sandbox_\w+ \(1 request\)"
    assert sum(bool(re.fullmatch(said, each)) for each in caplog.messages) >= 3


@pytest.mark.parametrize(
    ("location", "name"),
    [
        ("s3://lake/runs/night", "night"),
        ("s3://lake/runs/night/", "night"),
        ("/data/night", "night"),
        ("night", "night"),
    ],
)
def test_a_run_is_called_like_its_folder(location: str, name: str) -> None:
    """Of a path or URL the last part counts."""
    assert run_name(location) == name
