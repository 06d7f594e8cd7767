"""What flow runs are called on Prefect's pages: each after its run."""

from __future__ import annotations

from datetime import UTC, datetime

from prefect.runtime import flow_run

from ..data.resolve import fill_dates
from ..tasks._names import run_name
from ._started import root_started

__all__ = ["resume_run_name", "run_batch_name"]


def run_batch_name() -> str:
    """Return a name after the run's directory, or after the output without one."""
    given = flow_run.parameters
    when = root_started() or datetime.now(UTC)
    named = given["run_dir"] or given["job"].output
    return f"run-batch {run_name(fill_dates(named, when))}"


def resume_run_name() -> str:
    """Return a name after the run's directory."""
    return f"resume {run_name(flow_run.parameters['run_dir'])}"
