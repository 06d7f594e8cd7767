"""A whole run as a flow: a table goes in, a typed table comes out."""

from __future__ import annotations

from typing import Any, Literal

from prefect import get_run_logger
from prefect.runtime import flow_run

from ..data.job import AnyModel, AnyPath, BatchJob
from ..errors import visible
from ..models import Mode, Outcome, RunReport
from ..runs.open import changed_input, open_run, reopen_run
from ..runs.retry import open_retry
from ..tasks.credentials import named_keys
from ._drive import drive_run, told
from ._prefect import (
    our_flow,
    resume_run_name,
    retry_run_name,
    root_run,
    run_batch_name,
)
from .suspend import check_suspendable, drive_or_suspend

__all__ = ["resume_run", "retry_run", "run_batch"]


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
            report = drive_or_suspend(run)
        else:
            report = drive_run(run, wait=wait == "poll")
    return told(report, report.headline)


@our_flow(resume_run_name)
def resume_run(
    run_dir: AnyPath,
    wait: bool = True,  # noqa: FBT001, FBT002 - a flow parameter, shown as a switch
    response_model: str | None = None,
    resend_lost: bool = False,  # noqa: FBT001, FBT002 - the same
    uncancel: bool = False,  # noqa: FBT001, FBT002 - the same
    go_on: bool = False,  # noqa: FBT001, FBT002 - the same
    finish_by: str | None = None,
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
        finish_by: A new deadline, such as `6h` or `07:30 Europe/Berlin`; what no batch
            has answered by then is asked in realtime, at the full price.

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
        finish_by=finish_by,
    )
    with named_keys():
        report = drive_run(run, wait=wait)
    return told(report, report.headline)


@our_flow(retry_run_name)
def retry_run(  # noqa: PLR0913, PLR0917 - what a retry may change
    run_dir: AnyPath,
    outcomes: list[Outcome] | None = None,
    model: str | None = None,
    prompt: str | None = None,
    system: str | None = None,
    messages: AnyPath | None = None,
    response_model: AnyModel = None,
    mode: Mode | None = None,
    max_tokens: int | None = None,
    params: dict[str, Any] | None = None,
    reask: int | None = None,
    max_cost_usd: float | None = None,
    wait: bool = True,  # noqa: FBT001, FBT002 - a flow parameter, shown as a switch
) -> RunReport:
    """Ask the rows of a finished run again that have no valid answer.

    The same table is written again, complete, when all of them are answered. Only these
    rows are sent, and billed. The same call continues a retry that is not done; where
    no row is to be asked, the run stays as it is. What one retry changes stays for
    later ones.

    Args:
        run_dir: The run's folder or fsspec URL, or its name under
            `BATCHWRIGHT_RUNS_DIR`.
        outcomes: Of the rows to ask, such as `["invalid"]`; None: of all without a
            valid answer. Rows whose results the provider has lost need `missing` here.
        model: Another model of the same provider.
        prompt: Another prompt; requests are made from the rows that the run keeps.
        system: Another system text.
        messages: Another messages file, in place of prompt and system text.
        response_model: Another response model. It must take the answers that are valid;
            what it takes is not asked again, and the table has its columns.
        mode: As in a job.
        max_tokens: As in a job.
        params: Added to the job's.
        reask: As in a job.
        max_cost_usd: Of the run, all its rounds together.
        wait: Whether to wait for the batches; otherwise `advance_runs` or `resume`
            continues.

    Returns:
        The report; its state is `open` where batches still run.

    Raises:
        InputError: The rows cannot be asked so; the run stays as it was.
        BatchNotEndedError: The run is not done.
        RunError, ProviderError: As `run_batch` raises them.
    """
    given = {
        "model": model,
        "prompt": prompt,
        "system": system,
        "messages": messages,
        "response_model": response_model,
        "mode": mode,
        "max_tokens": max_tokens,
        "params": params,
        "reask": reask,
        "max_cost_usd": max_cost_usd,
    }
    changes = {name: value for name, value in given.items() if value is not None}
    root = root_run()
    own = root.id if root.is_deployed and root.id == flow_run.id else None
    with named_keys():
        run = open_retry(str(run_dir), changes, outcomes or (), flow_run=own)
        state = run.state()
        if state.report is None:
            rows = sum(shard.requests for shard in state.first_shards)
            get_run_logger().info("%s rows are asked again.", f"{rows:,}")
        report = drive_run(run, wait=wait)
    return told(report, report.headline)
