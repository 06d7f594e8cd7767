"""Waiting without a process: a flow run is suspended until its run is over.

The pause key of the suspension names the run that it waits for. No other record is
needed, which could be lost or written too late: the next sweep resumes every flow run
that is suspended and whose run is over.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn
from uuid import UUID, uuid4

from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import (
    FlowRunFilter,
    FlowRunFilterState,
    FlowRunFilterStateName,
)
from prefect.context import FlowRunContext, TaskRunContext
from prefect.flow_runs import suspend_flow_run

from ..errors import InputError, RunBusyError
from ..models import RunReport
from ..runs.directory.run import Run
from ..tasks.credentials import named_keys
from ._drive import drive_run

__all__ = [
    "check_suspendable",
    "drive_or_suspend",
    "suspend_for",
    "suspend_until_done",
    "waiting_flow_runs",
]

_KEY = "batchwright"
_PAGE = 200
_OTHER_WAYS = (
    'wait="poll" waits in this process, wait="detach" leaves the run to the sweep.'
)


def suspend_until_done(run_dir: str | Path) -> RunReport:
    """Suspend the deployed flow that calls this until a run is over.

    Call it in the flow's own body. The process ends; once `advance_runs` has finished
    the run, Prefect runs the flow again from its top, and this time the call returns.
    So the code before it must be safe to repeat, as `run_batch(job, wait="detach")` is.
    The run has to be under the folder that is swept.

    Args:
        run_dir: The run's folder or fsspec URL.

    Returns:
        The report of the finished run.

    Raises:
        InputError: Prefect cannot suspend here, or there is no such run.
        BatchwrightError: The run cannot go on; it stays resumable.
    """
    check_suspendable()
    with named_keys():
        return drive_or_suspend(Run.load(str(run_dir)))


def check_suspendable() -> None:
    """Check, before anything is created, that Prefect can suspend here.

    Raises:
        InputError: Not in the body of a flow run that a deployment started.
    """
    context = FlowRunContext.get()
    if TaskRunContext.get() is not None or context is None or not context.flow_run:
        where = "is not the body of a flow"
    elif context.flow_run.parent_task_run_id is not None:
        raise InputError(
            "Prefect suspends no subflow: call it with wait='detach', and then"
            " `suspend_until_done(report.run_dir)` in the body of the deployed flow."
        )
    elif context.flow_run.deployment_id is None:
        where = "is a flow run without a deployment"
    else:
        return
    raise InputError(f"This {where}, which Prefect cannot suspend; {_OTHER_WAYS}")


def drive_or_suspend(run: Run) -> RunReport:
    """Do what can be done now; where batches still run, suspend the flow run."""
    try:
        report = drive_run(run, wait=False)
    except RunBusyError:
        suspend_for(run)  # a sweep is just working on it
    if report.state == "open":
        suspend_for(run)
    return report


def waiting_flow_runs() -> Iterator[tuple[UUID, str]]:
    """Yield each suspended flow run that waits for a run, with the run's directory."""
    suspended = FlowRunFilter(
        state=FlowRunFilterState(name=FlowRunFilterStateName(any_=["Suspended"]))
    )
    with get_client(sync_client=True) as client:
        offset = 0
        while page := client.read_flow_runs(
            flow_run_filter=suspended, limit=_PAGE, offset=offset
        ):
            offset += len(page)
            for found in page:
                key = found.state.state_details.pause_key if found.state else None
                word, _, rest = (key or "").partition(" ")
                if word == _KEY:
                    yield found.id, rest.partition(" ")[2]


def suspend_for(run: Run) -> NoReturn:
    """Suspend the flow run; its pause key names the run that it waits for."""
    # Prefect honours a key once per flow run, hence the random word in it.
    key = f"{_KEY} {uuid4().hex} {run.directory.url}"
    suspend_flow_run(timeout=None, key=key)
    raise AssertionError("a suspended flow run does not go on")
