"""Commands about runs: a table goes in, a typed table comes out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from .. import exits
from ..job_options import RESPONSE_MODEL, Input, LimitOptions, RequestOptions
from ..options import AsJson, RunDir, expanded

if TYPE_CHECKING:
    from ...models import RunReport

__all__ = ["app"]

_PIPELINE = "The pipeline"
_WRITTEN = "What is written"
_RUN = "The run"

app = typer.Typer()


@app.command(
    rich_help_panel=_PIPELINE,
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
    request: RequestOptions,
    output: Annotated[
        str,
        typer.Option(
            metavar="FILE",
            help="The table to write: .parquet, .csv or .jsonl; {date:%Y-%m-%d} becomes"
            " the day.",
            rich_help_panel=_WRITTEN,
        ),
    ],
    overwrite: Annotated[
        bool,
        typer.Option(
            "--overwrite",
            help="Replace an output that exists.",
            rich_help_panel=_WRITTEN,
        ),
    ] = False,
    answer_prefix: Annotated[
        str | None,
        typer.Option(
            metavar="TEXT",
            help="Comes before the name of each column of the answer.",
            show_default="none",
            rich_help_panel=_WRITTEN,
        ),
    ] = None,
    limits: LimitOptions,
    run_dir: Annotated[
        str | None,
        typer.Option(
            metavar="DIR",
            help="Where the run is kept: a folder, or a URL (s3://...).",
            show_default="in BATCHWRIGHT_RUNS_DIR, named after the output",
            rich_help_panel=_RUN,
        ),
    ] = None,
    wait: Annotated[
        bool,
        typer.Option(
            "--wait/--no-wait",
            help="Wait until the run is done, or end when its batches are created;"
            " `resume` goes on.",
            rich_help_panel=_RUN,
        ),
    ] = True,
    sandbox: Annotated[
        bool,
        typer.Option(
            "--sandbox",
            help="Made-up answers from a local server: no key, no network, no cost.",
            rich_help_panel=_RUN,
        ),
    ] = False,
    dry_run: Annotated[
        bool,
        typer.Option(
            "--dry-run",
            help="Print what would be sent and what it may cost; nothing is sent.",
            rich_help_panel=_RUN,
        ),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Turn a table into a typed table, through batches.

    Each run has a folder of its own: `runs` lists them, `status` shows one.
    Typed again, the command continues its run.
    """
    from ..job import make_job, spooled

    with spooled(input) as rows:
        job = make_job(
            input=rows,
            output=output,
            overwrite=overwrite,
            answer_prefix=answer_prefix,
            sandbox=sandbox,
            **request.as_fields(),
            **limits.as_fields(),
        )
        if dry_run:
            from ..preview import preview

            preview(job, as_json=as_json)
            return
        from ...runs.open import open_run
        from ..pipeline import execute

        opened = open_run(job, run_dir)
        report = execute(opened, job=job, wait=wait)
    _print(report, as_json=as_json)


@app.command(
    rich_help_panel=_PIPELINE,
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
            help="Wait until the run is done, or do once what can be done now.",
        ),
    ] = True,
    response_model: Annotated[
        str | None,
        typer.Option(metavar="MODEL", help=RESPONSE_MODEL, show_default="the run's"),
    ] = None,
    resend_lost: Annotated[
        bool,
        typer.Option(
            "--resend-lost",
            help="Send again, and pay again, where the provider no longer has results.",
        ),
    ] = False,
    uncancel: Annotated[
        bool, typer.Option("--uncancel", help="Go on with a run that was cancelled.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Continue a run; always safe, nothing is paid twice."""
    from ...runs.open import reopen_run
    from ..pipeline import execute

    reopened = reopen_run(
        run_dir,
        response_model=response_model,
        resend_lost=resend_lost,
        uncancel=uncancel,
    )
    report = execute(reopened, job=None, wait=wait)
    _print(report, as_json=as_json)
    if report.state == "open":
        raise typer.Exit(exits.NOT_READY)


@app.command(
    rich_help_panel=_PIPELINE,
    epilog="""\
Example: batchwright status batchwright-runs/labels-2f7c01d4

Exit codes: 0 every row succeeded; 3 done, but some did not; 4 not done yet.
""",
)
def status(*, run_dir: RunDir, as_json: AsJson = False) -> None:
    """Show where a run stands, batch by batch.

    Its folder says so; the provider is not asked.
    """
    from ...runs.report.report import read_status
    from ..reports import print_batches_of

    report = read_status(run_dir)
    if not as_json:
        print_batches_of(report)
    _print(report, as_json=as_json)
    if report.state == "open":
        raise typer.Exit(exits.NOT_READY)


@app.command(rich_help_panel=_PIPELINE, epilog="Example: batchwright runs")
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
    """List the runs in a folder, a line each."""
    from ...runs.report.report import list_runs
    from ...settings import get_settings
    from ..reports import print_runs

    reports = list(list_runs(root))
    if not reports:
        exits.say(f"There are no runs in {root or get_settings().runs_dir}.")
    elif as_json:
        for report in reports:
            typer.echo(report.model_dump_json())
    else:
        print_runs(reports)


def _print(report: RunReport, *, as_json: bool) -> None:
    """Print how a run stands; a finished one with failed rows ends the command."""
    if as_json:
        typer.echo(report.model_dump_json())
    else:
        from ..reports import print_summary

        print_summary(report)
    if report.state != "open" and not report.ok:
        raise typer.Exit(exits.SOME_FAILED)
