"""A whole run as a flow: a table goes in, a typed table comes out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Literal

from prefect import flow
from prefect.futures import PrefectFuture
from prefect.runtime import flow_run

from ..data.job import BatchJob
from ..models import RunReport
from ..runs.drive import drive
from ..runs.open import open_run, reopen_run
from ..runs.state import Run
from ..runs.steps import Step
from ..tasks.artifacts import shown
from ..tasks.credentials import named_keys
from ..tasks.steps import STEPS, wait_for_shards
from ._names import resume_run_name, run_batch_name
from ._runner import RUNNER

__all__ = ["resume_run", "run_batch"]


@flow(
    flow_run_name=run_batch_name,
    # A stored result would be given to a retry of the parent flow instead of what
    # is true by then; the report itself is in the run directory.
    persist_result=False,
    task_runner=RUNNER,
)
def run_batch(
    job: BatchJob,
    run_dir: str | None = None,
    wait: Literal["poll", "detach"] = "poll",
) -> RunReport:
    """Run a job to its end, or continue it where it was left.

    The run directory is the whole truth: a retry of this flow run, or the same
    call with the same `run_dir`, re-attaches to the batches that are in flight.

    Args:
        job: What to do.
        run_dir: The run's folder or fsspec URL; may hold `{date:%Y-%m-%d}`. None
            makes one under `BATCHWRIGHT_RUNS_DIR`, named after the root flow run.
        wait: `poll` waits in this process until the run is done; `detach` ends
            after submission, and `advance_runs` or `resume` picks the run up.
    """
    with named_keys():
        run = open_run(
            job,
            run_dir,
            name=str(flow_run.root_flow_run_id),
            when=flow_run.scheduled_start_time,
        )
        return _drive(run, wait=wait == "poll")


@flow(
    flow_run_name=resume_run_name,
    # A stored result would be given to a retry of the parent flow instead of what
    # is true by then; the report itself is in the run directory.
    persist_result=False,
    task_runner=RUNNER,
)
def resume_run(
    run_dir: str,
    wait: bool = True,  # noqa: FBT001, FBT002 - a flow parameter, shown as a switch
    response_model: str | None = None,
    resend_lost: bool = False,  # noqa: FBT001, FBT002 - the same
    uncancel: bool = False,  # noqa: FBT001, FBT002 - the same
) -> RunReport:
    """Continue a run from its directory; nothing is compared, nothing read again.

    Args:
        run_dir: The run's folder or fsspec URL.
        wait: Whether to wait for its batches; otherwise one pass.
        response_model: Parse with this model instead, and send nothing.
        resend_lost: Send requests again whose results the provider no longer has.
        uncancel: Lift a cancellation.
    """
    run = reopen_run(
        run_dir,
        response_model=response_model,
        resend_lost=resend_lost,
        uncancel=uncancel,
    )
    with named_keys():
        return _drive(run, wait=wait)


def _drive(run: Run, *, wait: bool) -> RunReport:
    with shown(run):
        return drive(run, wait=wait, perform=_perform, wait_for=_wait_for)


def _perform(run: Run, steps: Sequence[Step]) -> None:
    submits = [step for step in steps if step.kind == "submit"]
    # Anthropic's batches are told apart by when they were made: one at a time. On a
    # shared store a first one goes alone: two processes on one run meet at its claim,
    # and one of them leaves before it claims anything.
    if run.job.provider == "anthropic":
        in_turn = submits
    else:
        in_turn = [] if run.directory.is_local else submits[:1]

    def start(chosen: Iterable[Step]) -> list[PrefectFuture[Any]]:
        return [
            STEPS[step.kind].submit(run.directory.url, step.unit) for step in chosen
        ]

    futures = start(step for step in steps if step.kind != "submit")
    try:
        for step in in_turn:
            start([step])[0].result()
        futures += start(submits[len(in_turn) :])
    finally:
        for future in futures:
            future.wait()
    for future in futures:
        future.result()


def _wait_for(run: Run, *, until: datetime | None) -> frozenset[str]:
    return frozenset(wait_for_shards(run.directory.url, until))
