"""What `--dry-run` says."""

from __future__ import annotations

import typer

from ..data.job import BatchJob
from ..models import RunEvent
from ..runs.report.dry_run import DryRun, dry_run
from .progress import progress_shown
from .reports import dollars
from .tables import print_facts

__all__ = ["preview"]


def preview(job: BatchJob, *, as_json: bool) -> None:
    """Make the job's requests and print their size and cost; nothing is sent."""
    with progress_shown() as tell:
        found = dry_run(job, lambda rows: tell(RunEvent(kind="reading", done=rows)))
    if as_json:
        typer.echo(found.model_dump_json())
        return
    print_facts(_facts(found))
    for sample in found.samples:
        typer.echo(sample)


def _facts(found: DryRun) -> list[tuple[str, str]]:
    about = "" if found.input_usd is None else "about "
    facts = [
        ("Provider", found.provider),
        ("Model", found.model),
        ("Requests", f"{found.requests:,}"),
        ("Bytes", f"{found.bytes:,}"),
        ("Batches", f"{found.batches:,}"),
        ("Input tokens", f"about {found.input_tokens:,} ({found.basis})"),
        ("Input cost", f"{about}{dollars(found.input_usd)}"),
    ]
    if found.most_output_usd is not None:
        cost = f"at most {dollars(found.most_output_usd)} (--max-tokens for every row)"
    else:
        cost = "unknown without --max-tokens and a known price"
    return [*facts, ("Output cost", cost), ("Samples", f"{len(found.samples)}, below")]
