"""Commands about single batches at a provider."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..exits import print_text, say
from ..options import AsJson, BatchId, FilePath, Target, expanded, pairs

if TYPE_CHECKING:
    from ...models import RunEvent

__all__ = ["app"]

_BATCHES = "Batches at a provider"

app = typer.Typer()


@app.command(
    "list",
    rich_help_panel=_BATCHES,
    epilog="Example: batchwright list --limit 5 --use-anthropic",
)
@expanded
def list_batches(
    *,
    limit: Annotated[
        int, typer.Option(min=1, metavar="N", help="How many batches to show at most.")
    ] = 10,
    poll: Annotated[
        int,
        typer.Option(
            min=1,
            metavar="SECONDS",
            help="Pause before the table is refreshed, on a terminal.",
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
    """Show your newest batches.

    On a terminal the table is refreshed while a batch in it is in progress; in a
    pipe it is printed once.
    """
    from ...providers import get_provider
    from ..tables import print_table
    from ..views import batches_table

    client = get_provider(target)
    if as_json:
        for batch in client.list(limit):
            typer.echo(batch.model_dump_json())
    elif sys.stdout.isatty():
        from ..live import watch

        watch(target, lambda: list(client.list(limit)), poll, screen=screen)
    else:
        print_table(batches_table(target, list(client.list(limit))))


@app.command(
    rich_help_panel=_BATCHES,
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
            help="Create several batches if the file is over the provider's limits.",
        ),
    ] = False,
    metadata: Annotated[
        list[str] | None,
        typer.Option(
            metavar="KEY=VALUE",
            help="Stored with the batch, if the provider can; repeatable.",
        ),
    ] = None,
    model: Annotated[
        str | None,
        typer.Option(
            metavar="NAME", help="Its model, where the requests do not name it."
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Check a request file and create a batch of it.

    The batch is billed from then on, and its ID is printed. The folder
    FILE.batch records it: if a response is lost, the same command finds the
    batch that exists. After success it creates another batch and names the
    earlier one.
    """
    from ...providers import get_provider, get_vendor
    from ...runs.create.submit_file import Submitted, submit_file, submit_parts
    from ...runs.events import bytes_told, listening
    from ..progress import progress_shown

    extra = pairs(metadata, "--metadata")
    client = get_provider(target)
    vendor = get_vendor(target)
    if extra and not vendor.keeps_metadata:
        say(f"{vendor.title}'s batches hold no metadata, so --metadata is left out.")
    uploaded = bytes_told("uploading")

    facts: Any = {"metadata": extra, "model": model, "again": True}
    facts["progress"] = uploaded

    def create() -> Iterator[Submitted]:
        if split:
            yield from submit_parts(file_path, client, **facts)
        else:
            yield submit_file(file_path, client, **facts)

    created = create()
    while True:
        with progress_shown() as tell, listening(tell):
            submitted = next(created, None)
        if submitted is None:
            break
        # Printed before the next one is created: this one is already billed.
        if submitted.adopted:
            say(f"Batch {submitted.batch.id} exists already; no other was created.")
        if submitted.earlier:
            say(f"This file was sent before: {', '.join(submitted.earlier)}.")
        batch = submitted.batch
        if as_json:
            typer.echo(batch.model_dump_json())
        else:
            print_text(batch.id)


@app.command(
    rich_help_panel=_BATCHES,
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
            metavar="RUN_DIR",
            help="A run with all its batches: its folder, URL, or name.",
        ),
    ] = None,
    target: Target,
    as_json: AsJson = False,
) -> None:
    """Cancel a batch, or a run with all its batches.

    Requests that already ran are billed, and their results can be downloaded.
    """
    if batch_id is not None and run_dir is None:
        from ...providers import get_provider

        batch = get_provider(target).cancel(batch_id)
        if as_json:
            typer.echo(batch.model_dump_json())
        else:
            print_text(f"{batch.id} {batch.provider_status}")
    elif run_dir is not None and batch_id is None:
        from ...runs.drive import cancel_run
        from ...runs.events import listening
        from ..pipeline import run_keys

        def tell(event: RunEvent) -> None:
            if event.kind == "notice" and event.text:
                say(event.text)

        with run_keys(), listening(tell):
            report = cancel_run(run_dir)
        if as_json:
            typer.echo(report.model_dump_json())
        else:
            print_text(f"{report.run_dir} cancelled")
        say(f"Download what has ended with `batchwright resume {report.run_dir}`.")
    else:
        raise typer.BadParameter("Give exactly one of --batch-id and --run-dir.")


@app.command(
    rich_help_panel=_BATCHES,
    epilog="""\
Example: batchwright download-file --batch-id batch_abc123 \\
    --download-file-path results.jsonl

Exit codes: 1 the provider refused the batch; 4 the batch is in progress.
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
            help="The JSON lines file to write; one that exists is replaced once the"
            " download is complete.",
            readable=False,
        ),
    ],
    target: Target,
    wait: Annotated[
        bool, typer.Option("--wait", help="Wait until the batch has ended.")
    ] = False,
) -> None:
    """Download all results of a batch, failed requests included.

    Expired and cancelled batches have the results of the requests that ran.
    """
    from ...providers import get_provider
    from ...runs.collect import download_file as download
    from ...runs.events import bytes_told, listening
    from ..progress import progress_shown

    client = get_provider(target)
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
    rich_help_panel=_BATCHES,
    epilog="Example: batchwright show --batch-id batch_abc123",
)
@expanded
def show(*, batch_id: BatchId, target: Target, as_json: AsJson = False) -> None:
    """Show one batch: counts, times, and the errors in its file."""
    from ...providers import get_provider
    from ..views import print_batch

    batch = get_provider(target).retrieve(batch_id)
    if as_json:
        typer.echo(batch.model_dump_json())
    else:
        print_batch(batch)
