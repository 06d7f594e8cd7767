"""Tests of waiting without a process where Prefect cannot do it."""

from __future__ import annotations

from pathlib import Path

import pytest
from prefect import flow, task

from batchwright import BatchJob, run_batch
from batchwright.errors import InputError
from batchwright.flows import suspend_until_done
from batchwright.sandbox import Sandbox

pytestmark = [
    pytest.mark.prefect,
    pytest.mark.usefixtures("prefect_server"),
]


@pytest.fixture
def job(sandbox: Sandbox, tmp_path: Path) -> BatchJob:
    """Return a job of one row."""
    rows = tmp_path / "rows.csv"
    rows.write_text("text\none\n", encoding="utf-8")
    return BatchJob(
        input=str(rows),
        prompt="Say something about {{ text }}",
        model="gpt-5-mini",
        output=str(tmp_path / "out.csv"),
    )


def test_a_flow_run_without_a_deployment_is_refused(
    job: BatchJob, sandbox: Sandbox, tmp_path: Path
) -> None:
    """One sentence says so before there is a run directory or a call."""
    with pytest.raises(InputError, match="flow run without a deployment"):
        run_batch(job, str(tmp_path / "run"), wait="suspend")
    assert not (tmp_path / "run").exists()
    assert sandbox.calls() == []


def test_a_subflow_is_refused(job: BatchJob, sandbox: Sandbox, tmp_path: Path) -> None:
    """The sentence names the call that does it, and nothing is created."""

    @flow
    def mine() -> None:
        run_batch(job, str(tmp_path / "run"), wait="suspend")

    with pytest.raises(InputError, match=r"no subflow: .*suspend_until_done"):
        mine()
    assert not (tmp_path / "run").exists()
    assert sandbox.calls() == []


def test_a_task_and_a_plain_call_are_refused(tmp_path: Path) -> None:
    """Only the body of a flow can be suspended."""

    @task
    def within() -> None:
        suspend_until_done(str(tmp_path))

    for call in (lambda: suspend_until_done(str(tmp_path)), within):
        with pytest.raises(InputError, match="is not the body of a flow"):
            call()
