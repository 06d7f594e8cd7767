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
    job_option,
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
    if not as_json:
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
    response_model: Annotated[str | None, job_option("response_model")] = None,
    only_failed: Annotated[
        bool,
        typer.Option(
            "--only-failed", help="Write only the rows without a valid answer."
        ),
    ] = False,
    rows: Annotated[
        str | None,
        typer.Option(
            "--input",
            metavar="INPUT",
            help="The rows that the results answer, which are written beside them in"
            " their own order: the input of `generate` or of a run, or rows with a"
            " column custom_id.",
            show_default="none",
        ),
    ] = None,
    encoding: Annotated[str | None, job_option("encoding")] = None,
    answer_prefix: Annotated[str | None, job_option("answer_prefix")] = None,
    overwrite: Overwrite = False,
) -> None:
    """Turn downloaded results, of any provider, into a typed table."""
    from ...data.rows.text import known_encoding
    from ...data.tables.parse import parse_file
    from ...data.tables.parse_rows import parse_with_rows
    from ..progress import progress_shown

    try:
        encoding = encoding and known_encoding(encoding)
    except ValueError as exc:
        raise typer.BadParameter(str(exc), param_hint="--encoding") from exc
    if rows is not None and only_failed:
        raise typer.BadParameter(
            "With --input all rows are written; leave one of the two out.",
            param_hint="--only-failed",
        )
    with progress_shown() as tell:
        if rows is None:
            tally = parse_file(
                file_path,
                output,
                response_model,
                only_failed=only_failed,
                prefix=answer_prefix or "",
                overwrite=overwrite,
                tell=tell,
            )
        else:
            tally = parse_with_rows(
                rows,
                file_path,
                output,
                response_model,
                encoding=encoding,
                prefix=answer_prefix or "",
                overwrite=overwrite,
                tell=tell,
            )
    say(f"Wrote {tally.written:,} rows to {output}; {tally.failed:,} did not succeed.")
    if tally.missing:
        say(f"{tally.missing:,} of these rows have no result.")
    if tally.stray:
        say(f"Left out {tally.stray:,} results of no row: {', '.join(tally.stray_ids)}")
    if tally.failed:
        raise typer.Exit(exits.SOME_FAILED)
