"""Commands about files of requests and results; none needs a key."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from .. import exits
from ..exits import print_text, say
from ..options import (
    AsJson,
    FilePath,
    Input,
    Overwrite,
    RequestOptions,
    Target,
    expanded,
    response_model_option,
)

__all__ = ["app"]

_FILES = "Files"

app = typer.Typer()


@app.command(
    rich_help_panel=_FILES,
    epilog="""\
Example: batchwright validate --file-path requests.jsonl

Exit codes: 0 no problems; 1 problems, the first 20 of which are shown.
""",
)
@expanded
def validate(*, file_path: FilePath, target: Target, as_json: AsJson = False) -> None:
    """Check a request file by the rules of the provider.

    No key is needed. Each problem is shown with its line.
    """
    from ...data.requests.check import check_file, describe_problems
    from ...models import RunEvent
    from ...providers import get_format
    from ..progress import progress_shown

    with progress_shown() as tell:
        check = check_file(
            file_path,
            get_format(target),
            lambda done, total: tell(RunEvent(kind="checking", done=done, total=total)),
        )
    if as_json:
        typer.echo(check.model_dump_json())
    elif check.problems:
        for line in describe_problems(file_path, check).split("\n"):
            print_text(line)
    else:
        print_text(
            f"{file_path}: {check.requests:,} requests for {check.endpoint},"
            f" {check.bytes:,} bytes, no problems"
        )
        for warning in check.warnings[:20]:
            print_text(f"  line {warning.line}: {warning.message}")
    if check.problems:
        raise typer.Exit(exits.FAILED)


@app.command(
    rich_help_panel=_FILES,
    epilog="""\
Example: batchwright generate examples/emails.csv --model gpt-5-mini \\
    --prompt "Classify: {{ email }}" --output requests.jsonl

Next: batchwright create-from-file --file-path requests.jsonl
""",
)
@expanded
def generate(
    *,
    input: Input,  # noqa: A002 - the command's word for it
    request: RequestOptions,
    output: Annotated[
        str,
        typer.Option(
            metavar="FILE",
            help="The .jsonl file to write; several numbered files if one is over the"
            " limits of a batch.",
        ),
    ] = "requests.jsonl",
    overwrite: Overwrite = False,
) -> None:
    """Turn a table into request files; nothing is sent.

    Prints the names of the files.
    """
    from ...data.requests.files import write_request_files
    from ..job import make_job, spooled
    from ..progress import progress_shown

    with spooled(input) as rows:
        job = make_job(input=rows, output=output, overwrite=overwrite, **request)
        with progress_shown() as tell:
            made = write_request_files(job, tell)
        for path in made:
            print_text(path)


@app.command(
    rich_help_panel=_FILES,
    epilog="""\
Example: batchwright parse --file-path results.jsonl --output labels.csv \\
    --response-model examples/email_model.py:Classification

Exit codes: 0 every answer is valid; 3 some are not.
""",
)
def parse(
    *,
    file_path: Annotated[
        Path,
        typer.Option(
            metavar="FILE",
            help="The results, as `download-file` writes them.",
            readable=False,
        ),
    ],
    output: Annotated[
        Path,
        typer.Option(
            metavar="FILE",
            help="The table to write: .parquet, .csv or .jsonl.",
            readable=False,
        ),
    ],
    response_model: Annotated[str | None, response_model_option("plain text")] = None,
    only_failed: Annotated[
        bool,
        typer.Option(
            "--only-failed", help="Write only the rows without a valid answer."
        ),
    ] = False,
    overwrite: Overwrite = False,
) -> None:
    """Turn downloaded results, of any provider, into a typed table."""
    from ...data.tables.parse import parse_file
    from ...models import RunEvent
    from ..progress import progress_shown

    with progress_shown() as tell:
        tally = parse_file(
            file_path,
            output,
            response_model,
            only_failed=only_failed,
            overwrite=overwrite,
            progress=lambda done: tell(RunEvent(kind="writing", done=done)),
        )
    say(f"Wrote {tally.written:,} rows to {output}; {tally.failed:,} did not succeed.")
    if tally.failed:
        raise typer.Exit(exits.SOME_FAILED)
