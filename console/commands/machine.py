"""Commands about this machine: the sandbox, and what is installed and set."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from ..options import AsJson

__all__ = ["app"]

_LOCAL = "On this machine"

app = typer.Typer()


@app.command(rich_help_panel=_LOCAL, epilog="Example: batchwright sandbox --port 4040")
def sandbox(
    *,
    port: Annotated[
        int,
        typer.Option(
            min=0,
            max=65535,
            metavar="N",
            help="Port on 127.0.0.1; 0 takes a free one.",
        ),
    ] = 4040,
    state_dir: Annotated[
        Path,
        typer.Option(
            metavar="DIR", help="Where batches and files are kept.", readable=False
        ),
    ] = Path(".batchwright-sandbox"),
    faults: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="What shall go wrong, as YAML or JSON.",
            readable=False,
            show_default="nothing",
        ),
    ] = None,
    time_scale: Annotated[
        float,
        typer.Option(min=0, metavar="X", help="How many times as fast its clock runs."),
    ] = 1.0,
    upstream: Annotated[
        str | None,
        typer.Option(
            metavar="URL",
            help="An OpenAI-compatible API whose model answers.",
            show_default="synthetic answers",
        ),
    ] = None,
) -> None:
    """Serve both batch APIs here: no account, no cost.

    It prints the variables that lead to it, and serves until Ctrl-C.
    """
    from ...sandbox import serve

    serve(
        port=port,
        state_dir=state_dir,
        faults=faults,
        time_scale=time_scale,
        upstream=upstream,
    )


@app.command(rich_help_panel=_LOCAL, epilog="Example: batchwright doctor")
def doctor(*, as_json: AsJson = False) -> None:
    """Show versions, addresses, and which keys are set.

    Never the keys themselves, so it can stand in a bug report.
    """
    from ..doctor import facts
    from ..tables import print_facts

    found = facts()
    if as_json:
        typer.echo(json.dumps(dict(found)))
    else:
        print_facts(found)
