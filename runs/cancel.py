"""Stop a run for good, without losing what is already paid for."""

from __future__ import annotations

from datetime import UTC, datetime

import orjson

from ..errors import RunFinishedError
from ..models import RunReport
from .collect.poll import Poller
from .collect.wait import look_at_units
from .directory.access import with_sandbox
from .directory.run import Run
from .report.report import report_on

__all__ = ["cancel_run"]


def cancel_run(run_dir: str) -> RunReport:
    """Mark the run cancelled, then ask the provider to stop its open batches.

    From the mark on no batch of it is created, whoever works on it. What ended
    is landed by the next `resume` or sweep; the rest has outcome `cancelled`.

    Raises:
        RunFinishedError: It is done, so there is nothing to cancel.
    """
    run = Run.load(run_dir)
    state = run.state()
    if state.report is not None:
        raise RunFinishedError(
            f"{run.directory.url} is done; its report is {run.directory.url}/report.md."
        )
    if not state.cancelled:
        mark = orjson.dumps({"at": datetime.now(UTC)})
        run.directory.write("cancelled.json", mark)
        state = run.state()
    with with_sandbox(run.directory, run.job):
        if state.open_units:
            look_at_units(run, state, Poller(run.provider()))
    return report_on(run, run.state())
