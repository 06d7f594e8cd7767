"""The command `try`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from ...data.job_fields import RUN
from .. import exits
from ..options import AsJson, Faults, Input, TryOptions, expanded

if TYPE_CHECKING:
    from ...data.job import BatchJob
    from ...runs.trial import Trial

__all__ = ["app"]

app = typer.Typer()


@app.command(
    "try",
    rich_help_panel="Runs",
    epilog="""\
Example: batchwright try examples/emails.csv --sandbox --model gpt-5-mini \\
    --prompt "Classify: {{ email }}" --rows 3

Exit codes: 0 every row succeeded; 3 some did not; 1 the provider refused, and the rows
that were answered are shown.
""",
)
@expanded
def try_(
    *,
    input: Input,  # noqa: A002 - the command's word for it
    job: TryOptions,
    rows: Annotated[
        int,
        typer.Option(
            min=1,
            max=100,
            metavar="N",
            help="How many of the first rows to ask.",
            rich_help_panel=RUN,
        ),
    ] = 5,
    faults: Faults = None,
    as_json: AsJson = False,
) -> None:
    """Ask a few rows now, at the full price, and show prompts and answers.

    No batch is created and no run begun. It takes the options of `run`; with
    --output, the table of these rows is written.
    """
    from ...runs.trial import try_rows
    from ..job import faults_of, make_job, spooled
    from ..pipeline import run_keys
    from ..progress import progress_shown
    from ..stopping import do_until_stopped
    from ..trial import print_trial

    output = job.pop("output")
    with spooled(input) as location:
        made = make_job(input=location, output=output or "rows.jsonl", **job)
        injected = faults_of(faults, made)

        def ask() -> Trial:
            with progress_shown("Asking") as tell, run_keys():
                return try_rows(
                    made, rows, write=output is not None, faults=injected, tell=tell
                )

        trial = do_until_stopped(
            ask,
            message="Stopped. Requests that were sent are billed.",
            release=lambda: None,
        )
        if as_json:
            for row in trial.rows:
                typer.echo(row.line)
        else:
            print_trial(trial, None if trial.failure else _requests(made))
    if made.sandbox and trial.rows:
        exits.say("The answers are synthetic: the sandbox made them up.")
    if trial.failure:
        if output:
            exits.say(f"{trial.output} was not written.")
        raise trial.failure
    if output:
        exits.say(f"Wrote {len(trial.rows):,} rows to {trial.output}.")
    if any(row.values["_outcome"] != "succeeded" for row in trial.rows):
        raise typer.Exit(exits.SOME_FAILED)


def _requests(job: BatchJob) -> int | None:
    """Return the requests of the whole job; None where it cannot be run as it is."""
    from ...errors import BatchwrightError
    from ...runs.report.dry_run import dry_run
    from ..progress import progress_shown

    try:
        with progress_shown() as tell:
            return dry_run(job, tell).requests
    except BatchwrightError as exc:
        exits.say(f"Note: a run of all rows would fail: {exc}")
        return None
