"""The command line: the program and its commands, put together."""

from __future__ import annotations

import gc
import sys
from io import TextIOWrapper
from typing import Annotated

import typer

from .console.commands import batches, files, machine, project, retry, runs, trial
from .console.exits import Group

__all__ = ["app", "main"]

_GC_THRESHOLD = 50_000

app = typer.Typer(
    name="batchwright",
    cls=Group,
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    help="LLM batch jobs that are never paid for twice: a table goes in, a typed table"
    " comes out.",
    epilog="""\
Data goes to standard output; progress and messages go to standard error.

Exit codes: 0 done; 1 failed, and one sentence says why; 2 wrong usage;
3 done, but some rows did not succeed; 4 not ready yet; 130 interrupted.

Keys are read from OPENAI_API_KEY and ANTHROPIC_API_KEY. Without one, try:
  batchwright run examples/emails.csv --sandbox --model gpt-5-mini \\
    --prompt "Classify: {{ email }}" --output labels.csv
""",
)


@app.callback(invoke_without_command=True)
def _root(
    *,
    version: Annotated[
        bool, typer.Option("--version", help="Print the version.", is_eager=True)
    ] = False,
) -> None:
    if version:
        from importlib.metadata import version as installed

        typer.echo(f"batchwright {installed('batchwright')}")
        raise typer.Exit


for commands in (batches, files, trial, runs, retry, project, machine):
    app.add_typer(commands.app)


def main() -> None:
    """Run the command line."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            # UTF-8 in any locale; lone surrogates are escaped.
            stream.reconfigure(encoding="utf-8", errors="backslashreplace")
    # Objects made by imports stay until the end. Searching them for garbage again and
    # again takes a third of the time of a command like `list`.
    gc.set_threshold(_GC_THRESHOLD)
    try:
        app()
    finally:
        gc.freeze()


if __name__ == "__main__":
    main()
