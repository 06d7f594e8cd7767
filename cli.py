"""The command line: parse, call, print."""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterator
from io import TextIOWrapper
from pathlib import Path
from typing import Annotated

import typer

from .console.commands import (
    files as file_commands,
)
from .console.commands import (
    machine as local_commands,
)
from .console.commands import (
    runs as run_commands,
)
from .console.exits import Group, say
from .console.options import AsJson, BatchId, FilePath, Target, expanded, pairs

__all__ = ["app", "main"]

_YOUNG_OBJECTS = 50_000
_DOCUMENTED = "Batches at a provider"

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


def main() -> None:
    """Run the command line."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            # UTF-8 whatever the locale says; what has no UTF-8 form is escaped.
            stream.reconfigure(encoding="utf-8", errors="backslashreplace")
    # What an import makes, stays: looking for cycles in it, over and over and once more
    # at the end, takes a third of the time of a command like `list`.
    gc.set_threshold(_YOUNG_OBJECTS)
    try:
        app()
    finally:
        gc.freeze()


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


@app.command(
    "list",
    rich_help_panel=_DOCUMENTED,
    epilog="Example: batchwright list --limit 5 --use-anthropic",
)
@expanded
def list_batches(
    *,
    limit: Annotated[
        int, typer.Option(min=1, metavar="N", help="Most batches to show.")
    ] = 10,
    poll: Annotated[
        int,
        typer.Option(
            min=1, metavar="SECONDS", help="Pause between two looks, on a terminal."
        ),
    ] = 10,
    screen: Annotated[
        bool,
        typer.Option(
            "--screen/--no-screen", help="Show the table alone, as a full screen."
        ),
    ] = False,
    target: Target,
    as_json: AsJson = False,
) -> None:
    """Show your newest batches; on a terminal, follow them.

    On a terminal the table stays current until none of them runs any more; in a
    pipe it is printed once.
    """
    from .console.batches import print_batches
    from .providers import get_provider

    client = get_provider(target.name)
    if as_json:
        for batch in client.list(limit):
            typer.echo(batch.model_dump_json())
    elif sys.stdout.isatty():
        from .console.live import watch

        watch(target.name, lambda: list(client.list(limit)), poll, screen=screen)
    else:
        print_batches(target.name, list(client.list(limit)))


@app.command(
    rich_help_panel=_DOCUMENTED,
    epilog="Example: batchwright create-from-file --file-path requests.jsonl",
)
@expanded
def create_from_file(
    *,
    file_path: FilePath,
    target: Target,
    split: Annotated[
        bool,
        typer.Option(
            "--split/--no-split",
            help="Make several batches of a file over the provider's limits.",
        ),
    ] = False,
    metadata: Annotated[
        list[str] | None,
        typer.Option(
            metavar="KEY=VALUE",
            help="Stored with the batch, if the provider does that; repeatable.",
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Check a file of requests and create a batch of it.

    The batch is billed from then on, and its ID is printed. What was created is
    on record in the folder FILE.batch: after a lost answer, the same command
    finds the batch that was made. After success it makes another one, and names
    the earlier.
    """
    from .console.progress import progress_shown
    from .providers import get_provider, get_vendor
    from .runs.create.submit_file import Submitted, submit_file, submit_parts
    from .runs.events import bytes_told, listening

    extra = pairs(metadata, "--metadata")
    client = get_provider(target.name)
    vendor = get_vendor(target.name)
    if extra and not vendor.keeps_metadata:
        say(f"{vendor.title}'s batches hold no metadata, so --metadata is left out.")
    uploaded = bytes_told("uploading")

    def create() -> Iterator[Submitted]:
        if split:
            yield from submit_parts(
                file_path, client, metadata=extra, again=True, progress=uploaded
            )
        else:
            yield submit_file(
                file_path, client, metadata=extra, again=True, progress=uploaded
            )

    made = create()
    while True:
        with progress_shown() as tell, listening(tell):
            submitted = next(made, None)
        if submitted is None:
            break
        # At once: whatever happens to the next one, this one is paid for.
        if submitted.adopted:
            say(f"Batch {submitted.batch.id} existed already and was not made again.")
        if submitted.earlier:
            say(f"This file was sent before: {', '.join(submitted.earlier)}.")
        batch = submitted.batch
        typer.echo(batch.model_dump_json() if as_json else batch.id)


@app.command(
    rich_help_panel=_DOCUMENTED,
    epilog="Example: batchwright cancel --batch-id batch_abc123",
)
@expanded
def cancel(
    *,
    batch_id: Annotated[
        str | None, typer.Option(metavar="ID", help="A batch, as `list` shows it.")
    ] = None,
    run_dir: Annotated[
        str | None,
        typer.Option(
            metavar="RUN_DIR", help="A run, with all its batches: its folder or URL."
        ),
    ] = None,
    target: Target,
    as_json: AsJson = False,
) -> None:
    """Stop a batch, or a run with all its batches.

    What already ran is billed and can be downloaded.
    """
    if batch_id is not None and run_dir is None:
        from .providers import get_provider

        batch = get_provider(target.name).cancel(batch_id)
        line = batch.model_dump_json() if as_json else None
        typer.echo(line or f"{batch.id} {batch.provider_status}")
    elif run_dir is not None and batch_id is None:
        from .console.keys import run_keys
        from .runs.cancel import cancel_run

        with run_keys():
            report = cancel_run(run_dir)
        typer.echo(
            report.model_dump_json() if as_json else f"{report.run_dir} cancelled"
        )
        say(f"Bring home what has ended with `batchwright resume {report.run_dir}`.")
    else:
        raise typer.BadParameter("Give exactly one of --batch-id and --run-dir.")


@app.command(
    rich_help_panel=_DOCUMENTED,
    epilog="""\
Example: batchwright download-file --batch-id batch_abc123 \\
    --download-file-path results.jsonl

Exit codes: 1 the batch was refused, and why; 4 it runs, and how far it is.
""",
)
@expanded
def download_file(
    *,
    batch_id: BatchId,
    download_file_path: Annotated[
        Path,
        typer.Option(
            metavar="FILE",
            help="JSON lines to write; replaced, when all has arrived, if it exists.",
            readable=False,
        ),
    ],
    target: Target,
    wait: Annotated[
        bool, typer.Option("--wait", help="Wait until the batch has ended.")
    ] = False,
) -> None:
    """Download all results of a batch, failed requests too.

    Expired and cancelled batches give what they hold.
    """
    from .console.progress import progress_shown
    from .providers import get_provider
    from .runs.collect import download_file as download
    from .runs.events import bytes_told, listening

    client = get_provider(target.name)
    with progress_shown() as tell, listening(tell):
        lines = download.download_file(
            client,
            batch_id,
            download_file_path,
            wait=wait,
            progress=bytes_told("downloading"),
        )
    say(f"Wrote {lines:,} result lines to {download_file_path}.")


@app.command(
    rich_help_panel=_DOCUMENTED,
    epilog="Example: batchwright show --batch-id batch_abc123",
)
@expanded
def show(*, batch_id: BatchId, target: Target, as_json: AsJson = False) -> None:
    """Show one batch: counts, times, errors in its file."""
    from .console.batches import print_batch
    from .providers import get_provider

    batch = get_provider(target.name).retrieve(batch_id)
    if as_json:
        typer.echo(batch.model_dump_json())
    else:
        print_batch(batch)


for commands in (file_commands, run_commands, local_commands):
    app.add_typer(commands.app)


if __name__ == "__main__":
    main()
