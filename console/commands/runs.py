"""Commands about runs, from a table to a typed table."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from ...data.job_fields import RUN
from .. import exits
from ..options import (
    AllJobOptions,
    AsJson,
    Faults,
    Input,
    RunDir,
    Wait,
    expanded,
    job_option,
)

if TYPE_CHECKING:
    from ...data.job import BatchJob

__all__ = ["app"]

_RUNS = "Runs"

app = typer.Typer()


@app.command(
    rich_help_panel=_RUNS,
    epilog="""\
Example: batchwright run examples/emails.csv --sandbox --model gpt-5-mini \\
    --prompt "Classify: {{ email }}" --output labels.csv \\
    --response-model examples/email_model.py:Classification

Exit codes: 0 every row succeeded; 3 done, but some did not; 130 interrupted.
""",
)
@expanded
def run(
    *,
    input: Input,  # noqa: A002 - the command's word for it
    job: AllJobOptions,
    run_dir: Annotated[
        str | None,
        typer.Option(
            metavar="DIR",
            help="The run's folder, or its URL (s3://...).",
            show_default="in BATCHWRIGHT_RUNS_DIR, named after the output",
            rich_help_panel=RUN,
        ),
    ] = None,
    wait: Wait = True,
    dry_run: Annotated[
        bool,
        typer.Option(
            "--dry-run",
            help="Print the size, an estimated cost and some requests; nothing is"
            " sent.",
            rich_help_panel=RUN,
        ),
    ] = False,
    faults: Faults = None,
    as_json: AsJson = False,
) -> None:
    """Turn a table into a typed table, through batches.

    Each run has its own folder: `runs` lists the runs, `status` shows one.
    The same command, entered again, continues its run; if that is done, it shows its
    report.
    """
    from ..job import faults_of, make_job, spooled

    begun_at = datetime.now(UTC)
    with spooled(input) as rows:
        made = make_job(input=rows, **job)
        injected = faults_of(faults, made)
        if dry_run:
            _preview(made, run_dir, as_json=as_json)
            return
        from ...runs.directory.access import keep_faults
        from ...runs.directory.catalog import name_of
        from ...runs.open import changed_input, open_run
        from ..pipeline import execute
        from ..views import finish

        opened = open_run(made, run_dir)
        url = opened.directory.url
        if injected is not None:
            keep_faults(opened.directory, injected)
        if done := opened.state().report:
            name = name_of(url)
            again = f" `batchwright retry {name}` asks the rows that failed again."
            exits.say(
                f"This job is done already; its report is {url}/report.md."
                f"{'' if done.ok else again} To run all of it again, give another"
                " --run-dir (and --output or --overwrite)."
            )
        if warning := changed_input(opened):
            exits.say(warning)
        # Its dates are filled, so the flow finds the same job at any later time.
        report = execute(opened, job=opened.job.job, wait=wait)
    finish(report, begun_at, as_json=as_json)


@app.command(
    rich_help_panel=_RUNS,
    epilog="""\
Example: batchwright resume batchwright-runs/labels-2f7c01d4

Exit codes: 0 every row succeeded; 3 done, but some did not; 4 not done yet;
130 interrupted.
""",
)
def resume(
    *,
    run_dir: RunDir,
    wait: Annotated[
        bool,
        typer.Option(
            "--wait/--no-wait",
            help="Wait until the run is done, or only do what can be done now.",
        ),
    ] = True,
    response_model: Annotated[
        str | None, job_option("response_model", "the run's")
    ] = None,
    resend_lost: Annotated[
        bool,
        typer.Option(
            "--resend-lost",
            help="Send requests again, and pay again, if the provider no longer has"
            " their results.",
        ),
    ] = False,
    uncancel: Annotated[
        bool, typer.Option("--uncancel", help="Continue a run that was cancelled.")
    ] = False,
    go_on: Annotated[
        bool,
        typer.Option("--go-on", help="Send the rest of a run that --canary stopped."),
    ] = False,
    finish_by: Annotated[
        str | None, job_option("finish_by_seconds", "as it was")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Continue a run; safe to repeat, no batch is paid for twice."""
    from ...runs.open import reopen_run
    from ..pipeline import execute
    from ..views import finish

    reopened = reopen_run(
        run_dir,
        response_model=response_model,
        resend_lost=resend_lost,
        uncancel=uncancel,
        go_on=go_on,
        finish_by=finish_by,
    )
    report = execute(reopened, job=None, wait=wait)
    finish(report, as_json=as_json)
    if report.state == "open":
        raise typer.Exit(exits.NOT_READY)


@app.command(
    rich_help_panel=_RUNS,
    epilog="""\
Example: batchwright status batchwright-runs/labels-2f7c01d4

Exit codes: 0 every row succeeded; 3 done, but some did not; 4 not done yet.
""",
)
def status(
    *,
    run_dir: RunDir,
    refresh: Annotated[
        bool,
        typer.Option("--refresh", help="Ask the provider how far the batches are now."),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Show the state of a run and its batches.

    Reads the run's folder, and calls the provider only with --refresh. Nothing is
    changed.
    """
    from ...runs.report.report import read_status
    from ..pipeline import run_keys
    from ..views import finish, print_batches_of

    with run_keys():
        report = read_status(run_dir, refresh=refresh)
    if not as_json:
        print_batches_of(report)
    finish(report, as_json=as_json)
    if report.state == "open":
        raise typer.Exit(exits.NOT_READY)


@app.command(
    rich_help_panel=_RUNS,
    epilog="Example: batchwright view labels-2f7c01d4",
)
def view(
    *,
    run_dir: RunDir,
    open_page: Annotated[
        bool,
        typer.Option(
            "--open/--no-open", help="Open the page in a browser, from a terminal."
        ),
    ] = True,
) -> None:
    """Write the report of a run as a page for a browser, and print its path.

    report.html is one file: outcomes, cost, errors, the rows with prompt and answer.
    Of a run that is open it shows what is known so far.
    """
    from ...data.files import is_url
    from ...runs.directory.run import Run
    from ...runs.report.page import write_page

    page = write_page(Run.load(run_dir))
    typer.echo(page)
    if open_page and sys.stdout.isatty() and not is_url(page):
        typer.launch(page)


@app.command(rich_help_panel=_RUNS, epilog="Example: batchwright runs")
def runs(
    *,
    root: Annotated[
        str | None,
        typer.Argument(
            metavar="ROOT",
            help="The folder, or its URL (s3://...).",
            show_default="BATCHWRIGHT_RUNS_DIR",
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """List the runs in a folder.

    A run that cannot be read is named in a line of its own.
    """
    from ...runs.report.report import UnreadableRun, list_runs
    from ...settings import get_settings
    from ..views import print_runs

    found = list(list_runs(root))
    if not found:
        exits.say(f"There are no runs in {root or get_settings().runs_dir}.")
    elif as_json:
        for each in found:
            typer.echo(each.model_dump_json())
    else:
        print_runs([each for each in found if not isinstance(each, UnreadableRun)])
        for each in found:
            if isinstance(each, UnreadableRun):
                exits.say(f"Not listed: {each.error}")


def _preview(job: BatchJob, run_dir: str | None, *, as_json: bool) -> None:
    """Make the job's requests, and print their size and cost; nothing is sent."""
    from ...errors import BudgetError
    from ...runs.report.dry_run import dry_run
    from ..progress import progress_shown
    from ..views import print_dry_run

    with progress_shown() as tell:
        found = dry_run(job, tell, run_dir=run_dir)
    if as_json:
        typer.echo(found.model_dump_json())
    else:
        print_dry_run(found)
    if found.problem:
        raise BudgetError(found.problem)
