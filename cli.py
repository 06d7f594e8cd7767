"""The command line: parse, call, print."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .console import exits
from .console import job_options as opt
from .console.exits import Group, say
from .console.job import make_job, spooled
from .console.options import (
    AsJson,
    BatchId,
    FilePath,
    ProviderName,
    UseAnthropic,
    pairs,
    provider_name,
)

if TYPE_CHECKING:
    from .data.job import BatchJob
    from .models import RunReport

__all__ = ["app", "main"]

_DOCUMENTED = "Batches at a provider"
_FILES = "Files"
_PIPELINE = "The pipeline"
_LOCAL = "On this machine"

app = typer.Typer(
    name="batchwright",
    cls=Group,
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    help="LLM batch jobs that are never paid for twice: a table goes in, a typed table"
    " comes out.",
)


def main() -> None:
    """Run the command line."""
    import sys

    for stream in (sys.stdout, sys.stderr):
        # UTF-8 whatever the locale says; what cannot be shown is escaped.
        stream.reconfigure(encoding="utf-8", errors="backslashreplace")  # type: ignore[union-attr]  # text streams have it
    app()


@app.callback(invoke_without_command=True)
def _root(
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
def list_batches(
    limit: Annotated[
        int, typer.Option(min=1, metavar="N", help="Batches to show, newest first.")
    ] = 10,
    poll: Annotated[
        int,
        typer.Option(
            min=1, metavar="SECONDS", help="Seconds between two looks, on a terminal."
        ),
    ] = 10,
    screen: Annotated[
        bool, typer.Option("--screen/--no-screen", help="Use the whole screen.")
    ] = False,
    use_anthropic: UseAnthropic = False,
    provider: ProviderName = None,
    as_json: AsJson = False,
) -> None:
    """See the batches of your account; on a terminal, until none is running."""
    from .console.tables import print_batches
    from .providers import get_provider

    name = provider_name(use_anthropic, provider)
    client = get_provider(name)
    batches = list(client.list(limit))
    if as_json:
        for batch in batches:
            typer.echo(batch.model_dump_json())
    elif _is_terminal() and any(not batch.status.is_final for batch in batches):
        from .console.live import watch

        watch(name, lambda: list(client.list(limit)), batches, poll, screen=screen)
    else:
        print_batches(name, batches)


@app.command(
    rich_help_panel=_DOCUMENTED,
    epilog="Example: batchwright create-from-file --file-path requests.jsonl",
)
def create_from_file(
    file_path: FilePath,
    use_anthropic: UseAnthropic = False,
    split: Annotated[
        bool,
        typer.Option(
            "--split/--no-split",
            help="Make several batches of a file that is over the provider's limits.",
        ),
    ] = False,
    metadata: Annotated[
        list[str] | None,
        typer.Option(metavar="K=V", help="Stored with the batch. Repeatable."),
    ] = None,
    provider: ProviderName = None,
    as_json: AsJson = False,
) -> None:
    """Create a batch from a file of requests; it is checked first, and billed."""
    from .console.progress import TransferProgress
    from .providers import get_provider
    from .runs.submit_file import submit_file, submit_parts

    extra = pairs(metadata, "--metadata")
    client = get_provider(provider_name(use_anthropic, provider))
    with TransferProgress("Uploading") as progress:
        if split:
            made = submit_parts(
                file_path, client, metadata=extra, again=True, progress=progress
            )
        else:
            made = [
                submit_file(
                    file_path, client, metadata=extra, again=True, progress=progress
                )
            ]
    for submitted in made:
        if submitted.adopted:
            say("Found the batch of an earlier call whose answer was lost.")
        if submitted.earlier:
            say(f"This file was sent before: {', '.join(submitted.earlier)}.")
        batch = submitted.batch
        typer.echo(batch.model_dump_json() if as_json else batch.id)


@app.command(
    rich_help_panel=_DOCUMENTED,
    epilog="Example: batchwright cancel --batch-id batch_abc123",
)
def cancel(
    batch_id: Annotated[
        str | None, typer.Option(metavar="ID", help="The batch to stop.")
    ] = None,
    run_dir: Annotated[
        str | None, typer.Option(metavar="DIR", help="The run to stop, for good.")
    ] = None,
    use_anthropic: UseAnthropic = False,
    provider: ProviderName = None,
    as_json: AsJson = False,
) -> None:
    """Stop a batch or a run; what already ran is billed and stays downloadable."""
    if (batch_id is None) == (run_dir is None):
        raise typer.BadParameter("Give exactly one of --batch-id and --run-dir.")
    name = provider_name(use_anthropic, provider)
    if run_dir is not None:
        from .runs.cancel import cancel_run

        report = cancel_run(run_dir)
        if as_json:
            typer.echo(report.model_dump_json())
        else:
            say(
                f"Cancelled {report.run_dir}: no batch of it is created any more."
                f" `batchwright resume {report.run_dir}` lands what has ended."
            )
        return
    from .providers import get_provider

    batch = get_provider(name).cancel(batch_id or "")
    typer.echo(
        batch.model_dump_json() if as_json else f"{batch.id} {batch.provider_status}"
    )


@app.command(
    rich_help_panel=_DOCUMENTED,
    epilog="Example: batchwright download-file --batch-id batch_abc123"
    " --download-file-path results.jsonl",
)
def download_file(
    batch_id: BatchId,
    download_file_path: Annotated[
        Path,
        typer.Option(metavar="FILE", help="Where the result lines are written."),
    ],
    use_anthropic: UseAnthropic = False,
    wait: Annotated[
        bool, typer.Option("--wait", help="Wait until the batch is over.")
    ] = False,
    provider: ProviderName = None,
) -> None:
    """Download every result line of a batch, failed ones too, to one file."""
    from .console.progress import TransferProgress, run_progress
    from .providers import get_provider
    from .runs.download_file import download
    from .runs.events import listening

    client = get_provider(provider_name(use_anthropic, provider))
    with (
        run_progress() as shown,
        listening(shown),
        TransferProgress("Downloading") as progress,
    ):
        lines = download(
            client, batch_id, download_file_path, wait=wait, progress=progress
        )
    say(f"Wrote {lines:,} result lines to {download_file_path}.")


@app.command(
    rich_help_panel=_DOCUMENTED,
    epilog="Example: batchwright show --batch-id batch_abc123",
)
def show(
    batch_id: BatchId,
    use_anthropic: UseAnthropic = False,
    provider: ProviderName = None,
    as_json: AsJson = False,
) -> None:
    """Show one batch: its counts, its times, and what was wrong with its file."""
    from .console.tables import print_batch
    from .providers import get_provider

    batch = get_provider(provider_name(use_anthropic, provider)).retrieve(batch_id)
    if as_json:
        typer.echo(batch.model_dump_json())
    else:
        print_batch(batch)


@app.command(
    rich_help_panel=_FILES,
    epilog="Example: batchwright validate --file-path requests.jsonl",
)
def validate(
    file_path: FilePath,
    use_anthropic: UseAnthropic = False,
    provider: ProviderName = None,
) -> None:
    """Check a file of requests as the provider would, all problems with their lines."""
    from .data.check import check_file, describe_problems
    from .providers import get_format

    check = check_file(file_path, get_format(provider_name(use_anthropic, provider)))
    if check.problems:
        say(describe_problems(file_path, check))
        raise typer.Exit(exits.FAILED)
    typer.echo(
        f"{file_path}: {check.requests:,} requests, {check.bytes:,} bytes, good."
    )


@app.command(
    rich_help_panel=_FILES,
    epilog="Example: batchwright parse --file-path results.jsonl --response-model"
    " examples/email_model.py:Classification --output labels.csv",
)
def parse(
    file_path: FilePath,
    output: Annotated[
        Path, typer.Option(metavar="FILE", help="A .parquet, .csv or .jsonl to write.")
    ],
    response_model: opt.ResponseModel = None,
    only_failed: Annotated[
        bool,
        typer.Option(
            "--only-failed", help="Write only results that are no valid answer."
        ),
    ] = False,
    overwrite: opt.Overwrite = False,
) -> None:
    """Turn downloaded results of either provider into a typed table."""
    from .data.parse import parse_file

    tally = parse_file(
        file_path,
        output,
        response_model,
        only_failed=only_failed,
        overwrite=overwrite,
    )
    say(f"Wrote {tally.written:,} rows to {output}; {tally.failed:,} did not succeed.")
    if tally.failed:
        raise typer.Exit(exits.SOME_FAILED)


@app.command(
    rich_help_panel=_FILES,
    epilog="Example: batchwright generate examples/emails.csv --model gpt-5-mini"
    ' --prompt "Classify: {{ email }}" --output requests.jsonl',
)
def generate(
    input: opt.Input,  # noqa: A002 - the command's word for it
    model: opt.Model,
    output: Annotated[
        Path,
        typer.Option(
            metavar="FILE",
            help="Where requests are written; more files, numbered, when over a limit.",
        ),
    ] = Path("requests.jsonl"),
    prompt: opt.Prompt = None,
    system: opt.System = None,
    messages: opt.MessagesFile = None,
    response_model: opt.ResponseModel = None,
    mode: opt.ModeOption = "auto",
    endpoint: opt.EndpointOption = None,
    max_tokens: opt.MaxTokens = None,
    temperature: opt.Temperature = None,
    param: opt.Params = None,
    cache_system: opt.CacheSystem = False,
    max_requests_per_batch: opt.MaxRequestsPerBatch = None,
    max_bytes_per_batch: opt.MaxBytesPerBatch = None,
    overwrite: opt.Overwrite = False,
) -> None:
    """Turn a table into files of requests, and send nothing."""
    from .data.request_files import write_request_files

    with spooled(input) as rows:
        job = make_job(
            input=rows,
            output=str(output),
            model=model,
            prompt=prompt,
            system=system,
            messages=messages,
            response_model=response_model,
            mode=mode,
            endpoint=endpoint,
            max_tokens=max_tokens,
            temperature=temperature,
            params=opt.json_pairs(param),
            cache_system=cache_system,
            max_requests_per_batch=max_requests_per_batch,
            max_bytes_per_batch=max_bytes_per_batch,
            overwrite=overwrite,
        )
        for path in write_request_files(job):
            typer.echo(path)


@app.command(
    rich_help_panel=_PIPELINE,
    epilog="Example: batchwright run examples/emails.csv --sandbox --model gpt-5-mini"
    ' --prompt "Classify: {{ email }}"'
    " --response-model examples/email_model.py:Classification --output labels.csv",
)
def run(
    input: opt.Input,  # noqa: A002 - the command's word for it
    model: opt.Model,
    output: opt.Output,
    prompt: opt.Prompt = None,
    system: opt.System = None,
    messages: opt.MessagesFile = None,
    response_model: opt.ResponseModel = None,
    mode: opt.ModeOption = "auto",
    endpoint: opt.EndpointOption = None,
    max_tokens: opt.MaxTokens = None,
    temperature: opt.Temperature = None,
    param: opt.Params = None,
    cache_system: opt.CacheSystem = False,
    overwrite: opt.Overwrite = False,
    answer_prefix: opt.AnswerPrefix = None,
    max_requests_per_batch: opt.MaxRequestsPerBatch = None,
    max_bytes_per_batch: opt.MaxBytesPerBatch = None,
    max_in_flight: opt.MaxInFlight = 20,
    max_rounds: opt.MaxRounds = 2,
    run_dir: opt.RunDir = None,
    wait: opt.Wait = True,
    sandbox: opt.UseSandbox = False,
    as_json: AsJson = False,
) -> None:
    """Run a job from a table of rows to a typed table, or continue it."""
    from .runs.open import open_run, run_dir_for

    with spooled(input) as rows:
        job = make_job(
            input=rows,
            output=output,
            model=model,
            prompt=prompt,
            system=system,
            messages=messages,
            response_model=response_model,
            mode=mode,
            endpoint=endpoint,
            max_tokens=max_tokens,
            temperature=temperature,
            params=opt.json_pairs(param),
            cache_system=cache_system,
            overwrite=overwrite,
            answer_prefix=answer_prefix,
            max_requests_per_batch=max_requests_per_batch,
            max_bytes_per_batch=max_bytes_per_batch,
            max_in_flight=max_in_flight,
            max_rounds=max_rounds,
            sandbox=sandbox,
        )
        directory = open_run(job, run_dir or run_dir_for(job)).directory.url
        report = _finish(directory, wait=wait, as_json=as_json, job=job)
    if not wait and report.state == "open":
        say(f"Submitted; continue with `batchwright resume {directory}`.")


@app.command(rich_help_panel=_PIPELINE, epilog="Example: batchwright resume RUN_DIR")
def resume(
    run_dir: opt.RunDirArgument,
    wait: Annotated[
        bool,
        typer.Option(
            "--wait/--no-wait",
            help="Wait until the run is done; otherwise one pass, exit 4 if open.",
        ),
    ] = True,
    response_model: opt.ResponseModel = None,
    resend_lost: Annotated[
        bool,
        typer.Option(
            "--resend-lost",
            help="Send requests again whose results the provider no longer has; they"
            " are billed again.",
        ),
    ] = False,
    uncancel: Annotated[
        bool, typer.Option("--uncancel", help="Lift the cancellation of the run.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Continue a run from its directory; always safe."""
    from .runs.open import reopen_run

    reopened = reopen_run(
        run_dir,
        response_model=response_model,
        resend_lost=resend_lost,
        uncancel=uncancel,
    )
    report = _finish(reopened.directory.url, wait=wait, as_json=as_json)
    if report.state == "open":
        raise typer.Exit(exits.NOT_READY)


@app.command(rich_help_panel=_PIPELINE, epilog="Example: batchwright status RUN_DIR")
def status(run_dir: opt.RunDirArgument, as_json: AsJson = False) -> None:
    """Show where a run stands, shard by shard, from its directory alone."""
    from .console.tables import print_status
    from .runs.status import read_status

    report = read_status(run_dir)
    if as_json:
        typer.echo(report.model_dump_json())
    else:
        print_status(report)
    if report.state == "open":
        raise typer.Exit(exits.NOT_READY)
    if not report.ok:
        raise typer.Exit(exits.SOME_FAILED)


@app.command(rich_help_panel=_PIPELINE, epilog="Example: batchwright runs")
def runs(
    root: Annotated[
        str | None,
        typer.Argument(help="The folder. Default: BATCHWRIGHT_RUNS_DIR."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """List the runs under a folder, a line each."""
    from .console.tables import print_runs
    from .runs.status import list_runs

    reports = list_runs(root)
    if as_json:
        for report in reports:
            typer.echo(report.model_dump_json())
    else:
        print_runs(reports)


@app.command(rich_help_panel=_LOCAL, epilog="Example: batchwright sandbox --port 4040")
def sandbox(
    port: Annotated[
        int, typer.Option(metavar="N", help="The port; 0 takes a free one.")
    ] = 4040,
    host: Annotated[
        str, typer.Option(metavar="HOST", help="What to listen on.")
    ] = "127.0.0.1",
    state_dir: Annotated[
        Path, typer.Option(metavar="DIR", help="Where batches and files are kept.")
    ] = Path(".batchwright-sandbox"),
    faults: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="What goes wrong, as YAML or JSON."),
    ] = None,
    time_scale: Annotated[
        float,
        typer.Option(min=0, metavar="X", help="Virtual seconds per real second."),
    ] = 1.0,
    upstream: Annotated[
        str | None,
        typer.Option(
            metavar="URL", help="An OpenAI-compatible chat API that answers instead."
        ),
    ] = None,
) -> None:
    """Serve both batch APIs on this machine, with synthetic answers and for nothing."""
    from .providers.sandbox import serve

    serve(host, port, state_dir, faults, time_scale, upstream)


@app.command(rich_help_panel=_LOCAL, epilog="Example: batchwright doctor")
def doctor(as_json: AsJson = False) -> None:
    """Say what is installed and set, never the keys, for a bug report or a doubt."""
    from .console.doctor import facts

    found: dict[str, Any] = facts()
    if as_json:
        import json

        typer.echo(json.dumps(found))
        return
    width = max(len(name) for name in found)
    for name, value in found.items():
        typer.echo(f"{name:<{width}}  {value}")


def _finish(
    directory: str, *, wait: bool, as_json: bool, job: BatchJob | None = None
) -> RunReport:
    """Work on a run with its progress shown, then print how it stands."""
    from .console.pipeline import execute

    report = execute(directory, job=job, wait=wait)
    if as_json:
        typer.echo(report.model_dump_json())
    else:
        from .console.tables import print_summary

        print_summary(report)
    if report.state == "done" and not report.ok:
        raise typer.Exit(exits.SOME_FAILED)
    return report


def _is_terminal() -> bool:
    import sys

    return sys.stdout.isatty()
