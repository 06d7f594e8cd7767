"""A whole run as a flow: a table goes in, a typed table comes out."""

from __future__ import annotations

from typing import Literal

from prefect import get_run_logger

from ..data.job import AnyPath, BatchJob
from ..errors import visible
from ..models import RunReport
from ..runs.open import changed_input, open_run, reopen_run
from ..tasks.credentials import named_keys
from ._drive import drive_run
from ._prefect import our_flow, resume_run_name, root_run, run_batch_name
from .suspend import check_suspendable, drive_or_suspend

__all__ = ["resume_run", "run_batch"]


@our_flow(run_batch_name)
def run_batch(
    job: BatchJob,
    run_dir: AnyPath | None = None,
    wait: Literal["poll", "detach", "suspend"] = "poll",
) -> RunReport:
    """Run a job to its end, or continue it where it was left.

    All state is in the run directory: a retry of this flow run, or the same call with
    the same `run_dir`, re-attaches to the batches in flight, and nothing is paid for
    twice. A run that is done only gives its report. Batches are billed from their
    creation; `job.max_cost_usd` bounds what they may cost.

    Args:
        job: What to do.
        run_dir: The run's folder or fsspec URL; may hold `{date:%Y-%m-%d}`. None
            takes the one of the job under `BATCHWRIGHT_RUNS_DIR`: a flow run that a
            deployment started has its own; any other continues an open one.
        wait: `poll` waits in this process until the run is done; `detach` ends
            after submission, and `advance_runs` or `resume` picks the run up;
            `suspend` ends the process until `advance_runs` has finished the run, and
            needs this to be the deployed flow itself.

    Returns:
        The report. Rows that did not succeed are counted in it and raise nothing;
        its state is `open` where `detach` left batches running.

    Raises:
        InputError: The job cannot be run as it is, or Prefect cannot suspend here.
        MissingKeyError: There is no key; no run is begun.
        RunError: The directory is another job's or another process works on it, the
            next batch would cost too much, or too few rows of the canary succeeded.
        ProviderError: The API refused for good, or for too long. As after any other
            error, the run stays resumable.
    """
    if wait == "suspend":
        check_suspendable()
    root = root_run()
    with named_keys():
        run = open_run(
            job,
            None if run_dir is None else str(run_dir),
            flow_run=root.id if root.is_deployed else None,
            anew_since=None if root.is_deployed else root.started_at,
            when=root.started_at,
        )
        if warning := changed_input(run):
            get_run_logger().warning("%s", visible(warning))
        if wait == "suspend":
            return drive_or_suspend(run)
        return drive_run(run, wait=wait == "poll")


@our_flow(resume_run_name)
def resume_run(
    run_dir: AnyPath,
    wait: bool = True,  # noqa: FBT001, FBT002 - a flow parameter, shown as a switch
    response_model: str | None = None,
    resend_lost: bool = False,  # noqa: FBT001, FBT002 - the same
    uncancel: bool = False,  # noqa: FBT001, FBT002 - the same
    go_on: bool = False,  # noqa: FBT001, FBT002 - the same
) -> RunReport:
    """Continue a run from its directory; nothing is compared, no input read again.

    Always safe to repeat: what was created is found, and what is done is left alone.

    Args:
        run_dir: The run's folder or fsspec URL.
        wait: Whether to wait for its batches; otherwise what can be done now is done
            once.
        response_model: Parse with this model instead of the job's; what was answered
            is not asked again for it.
        resend_lost: Send again, and pay again, where the provider no longer has the
            results.
        uncancel: Lift a cancellation.
        go_on: Send the rest of a run that its canary stopped.

    Returns:
        The report; its state is `open` where batches still run.

    Raises:
        InputError: There is no run, or nothing is lost or cancelled in it.
        RunError, ProviderError: As `run_batch` raises them.
    """
    run = reopen_run(
        str(run_dir),
        response_model=response_model,
        resend_lost=resend_lost,
        uncancel=uncancel,
        go_on=go_on,
    )
    with named_keys():
        return drive_run(run, wait=wait)
