"""The scheduled sweep: finish what ended, for every open run, and go."""

from __future__ import annotations

import logging

from prefect import flow, task

from ..errors import BatchwrightError, RunBusyError
from ..models import RunReport
from ..runs.drive import drive
from ..runs.state import Run
from ..runs.status import open_runs
from ..tasks._names import step_name
from ..tasks._policy import POLICY
from ..tasks.artifacts import shown
from ..tasks.credentials import named_keys
from ._runner import RUNNER

__all__ = ["advance_run", "advance_runs"]

_logger = logging.getLogger(__name__)


@task(task_run_name=step_name("advance"), **{**POLICY, "retries": 0})
def advance_run(run_dir: str) -> RunReport | None:
    """Do for one run what can be done now; None where another process works on it."""
    run = Run.load(run_dir)
    try:
        with named_keys(), shown(run, quiet=True):
            return drive(run, wait=False)
    except RunBusyError:
        return None


@flow(
    flow_run_name="advance-runs",
    # A stored result would be given to a retry of the parent flow instead of what
    # is true by then; the report itself is in the run directory.
    persist_result=False,
    task_runner=RUNNER,
)
def advance_runs(root: str | None = None) -> list[RunReport]:
    """Sweep all open runs under a folder once, four at a time.

    Whatever ended is downloaded, what can be sent is sent, and runs that are
    complete get their output. A run that cannot go on is said and left resumable;
    it never stops the others.

    Args:
        root: A folder or fsspec URL; None means `BATCHWRIGHT_RUNS_DIR`.

    Returns:
        Where each of them stands now.
    """
    futures = {run_dir: advance_run.submit(run_dir) for run_dir in open_runs(root)}
    reports = []
    for run_dir, future in futures.items():
        try:
            report = future.result()
        except BatchwrightError as exc:
            _logger.warning("%s was left as it is: %s", run_dir, exc)
            continue
        if report is not None:
            reports.append(report)
    return reports
