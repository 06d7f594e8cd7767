"""The command that opens a finished run again."""

from __future__ import annotations

from typing import Annotated

import typer

from .. import exits
from ..options import AsJson, Changes, RunDir, Wait, expanded

__all__ = ["app"]

app = typer.Typer()


@app.command(
    rich_help_panel="Runs",
    epilog="""\
Example: batchwright retry labels-2f7c01d4 --outcome invalid --prompt @better.txt

Exit codes: 0 every row succeeded; 3 done, but some did not; 130 interrupted.
""",
)
@expanded
def retry(
    *,
    run_dir: RunDir,
    outcome: Annotated[
        str | None,
        typer.Option(
            metavar="NAMES",
            help="Ask the rows with these outcomes alone, such as invalid,refused. Rows"
            " whose results the provider has lost need `missing` here.",
            show_default="all without a valid answer",
        ),
    ] = None,
    changes: Changes,
    wait: Wait = True,
    as_json: AsJson = False,
) -> None:
    """Ask the rows of a finished run again that have no valid answer.

    Only these rows are sent, and billed; then the same table is written again.
    The same command, entered again, continues a retry that is not done.
    """
    from ...models import Outcome
    from ...runs.retry import open_retry
    from ..job import options_checked
    from ..pipeline import execute, run_keys
    from ..views import finish

    names = [name.strip() for name in outcome.split(",")] if outcome else []
    known = [each.value for each in Outcome if each is not Outcome.SUCCEEDED]
    for name in names:
        if name not in known:
            raise typer.BadParameter(
                f"{name!r} is not one of {', '.join(known)}.", param_hint="--outcome"
            )
    with run_keys(), options_checked():
        run = open_retry(run_dir, changes, [*map(Outcome, names)])
    report = run.state().report
    if report is None:
        rows = sum(shard.requests for shard in run.state().first_shards)
        exits.say(f"{rows:,} rows are asked again.")
        report = execute(run, job=None, wait=wait, verb="retry")
    elif report.ok:
        exits.say("Every row has a valid answer, so nothing was sent.")
    elif names:
        exits.say(f"No row has the outcome {' or '.join(names)}, so nothing was sent.")
    else:
        exits.say(
            "The provider has lost the results of all rows without a valid answer."
            " They may be billed already, so nothing was sent; --outcome missing asks"
            " them again."
        )
    finish(report, as_json=as_json)
