"""The scheduled sweep: advance every open run, without waiting for batches."""

from __future__ import annotations

import logging
from contextlib import suppress

from prefect import task
from prefect.exceptions import NotPausedError
from prefect.flow_runs import resume_flow_run

from ..data.job import AnyPath
from ..errors import BatchwrightError, RunBusyError, visible_line
from ..models import RunReport
from ..runs.directory.catalog import is_open, lies_in, open_runs
from ..runs.directory.run import Run
from ..runs.drive import drive
from ..tasks._log import logged
from ..tasks._policy import POLICY
from ..tasks.artifacts import shown
from ..tasks.credentials import named_keys
from ..tasks.names import step_name
from ._drive import told
from ._prefect import our_flow
from .suspend import waiting_flow_runs

__all__ = ["advance_run", "advance_runs"]

_logger = logging.getLogger(__name__)


@task(task_run_name=step_name("advance"), **POLICY)
def advance_run(run_dir: str) -> RunReport | None:
    """Do for one run what can be done now; None where another process works on it."""
    run = Run.load(run_dir)
    try:
        with named_keys(), logged(), shown(run, quiet=True):
            return drive(run, wait=False)
    except RunBusyError:
        return None


@our_flow("advance-runs")
def advance_runs(root: AnyPath | None = None) -> list[RunReport]:
    """Advance all open runs under a folder once, four at a time.

    Batches that ended are downloaded, what can be sent is sent (and billed), and runs
    that are complete get their output. It waits for no batch, and two sweeps at once do
    no harm. A run that cannot go on is named in a warning and left resumable; it never
    stops the others. Flow runs that were suspended until their run is over are resumed,
    also where the run cannot go on.

    Args:
        root: A folder or fsspec URL; None means `BATCHWRIGHT_RUNS_DIR`.

    Returns:
        The report of each run that was worked on; those that another process holds
        and those that cannot go on are left out.
    """
    root = None if root is None else str(root)
    futures = {run_dir: advance_run.submit(run_dir) for run_dir in open_runs(root)}
    reports = []
    stuck = set()
    for run_dir, future in futures.items():
        try:
            report = future.result()
        except BatchwrightError as exc:
            _logger.warning("%s was left as it is: %s", visible_line(run_dir), exc)
            if not exc.retryable:
                stuck.add(run_dir)
            continue
        if report is not None:
            reports.append(report)
    for flow_run_id, run_dir in list(waiting_flow_runs()):
        if lies_in(run_dir, root) and (run_dir in stuck or not is_open(run_dir)):
            with suppress(NotPausedError):  # another sweep was faster
                resume_flow_run(flow_run_id)
    done = sum(report.state != "open" for report in reports)
    message = f"{len(reports)} runs advanced, {done} of them done"
    return told(reports, message)
