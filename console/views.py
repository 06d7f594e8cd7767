"""What commands show: batches, runs, the summary of a run, and a dry run."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import typer

from ..data.prices import REALTIME
from ..models import Batch, Outcome, RunReport
from ..providers import get_vendor
from .exits import SOME_FAILED, print_text, say
from .prompts import prompt_lines
from .tables import (
    NOTHING,
    Fact,
    Location,
    Name,
    RuledTable,
    number,
    print_facts,
    print_table,
    when,
)

if TYPE_CHECKING:
    # `list` needs none of what it imports.
    from ..runs.report.dry_run import DryRun

__all__ = [
    "batches_table",
    "dollars",
    "finish",
    "print_batch",
    "print_batches_of",
    "print_dry_run",
    "print_runs",
]

_SHOWN_LINE_ERRORS = 20
_SHOWN_ERRORS = 5


def batches_table(provider: str, batches: Sequence[Batch]) -> RuledTable:
    """Return the table of `list`."""
    title = f"{get_vendor(provider).title} Batch Jobs"
    columns = ("Batch ID", "Created At", "Status", "Failed", "Completed", "Total")
    return RuledTable(title, columns, [*map(_batch_row, batches)])


def print_batch(batch: Batch) -> None:
    """Print one batch with counts, times and errors."""
    counts = batch.counts
    facts: list[Fact] = [
        ("Batch ID", Location(batch.id)),
        ("Provider", batch.provider),
        ("Status", batch.provider_status or NOTHING),
        ("Endpoint", batch.endpoint or NOTHING),
        ("Created at", when(batch.created_at)),
        ("Ended at", when(batch.ended_at)),
        ("Expires at", when(batch.expires_at)),
        ("Total", number(counts.total)),
        ("Completed", number(counts.succeeded)),
        ("Failed", number(counts.errored)),
        ("Expired", number(counts.expired)),
        ("Cancelled", number(counts.cancelled)),
    ]
    named: dict[str, str | list[str] | None] = {
        "Input file": Location(batch.input_file_id or ""),
        "Output file": Location(batch.output_file_id or ""),
        "Error file": Location(batch.error_file_id or ""),
        "Archived at": when(batch.archived_at) if batch.archived_at else None,
        "Metadata": [f"{k}={v}" for k, v in batch.metadata.items()],
        "Errors": _line_errors(batch),
    }
    print_facts(facts + [(name, value) for name, value in named.items() if value])


def print_runs(reports: Sequence[RunReport]) -> None:
    """Print a line for each run."""
    from ..runs.directory.catalog import name_of  # noqa: PLC0415 - `list` needs none

    columns = ("Run", "State", "Rows", "Succeeded", "Batches", "Cost", "Output")
    rows = [
        (
            Name(name_of(report.run_dir)),
            report.state,
            f"{report.rows}",
            f"{report.outcomes.get(Outcome.SUCCEEDED, 0)}",
            f"{len(report.batches)}",
            _cost(report),
            Location(report.output or NOTHING),
        )
        for report in reports
    ]
    print_table(RuledTable("Runs", columns, rows))


def print_batches_of(report: RunReport) -> None:
    """Print each attempt of a run to create a batch, shard by shard."""
    is_fresh = any(line.answered is not None for line in report.batches)
    requests = ("Requests", "Answered") if is_fresh else ("Requests",)
    columns = ("Batch ID", "Shard", "Attempt", "Status", *requests, "Created At")
    rows = [
        (
            Location(line.batch_id or NOTHING),
            line.shard,
            f"{line.attempt + 1}",
            line.provider_status,
            f"{line.requests}",
            *([number(line.answered)] if is_fresh else []),
            when(line.created_at),
        )
        for line in report.batches
    ]
    print_table(RuledTable("Batches", columns, rows))


def finish(
    report: RunReport, begun_at: datetime | None = None, *, as_json: bool
) -> None:
    """Print the state of a run, and exit with 3 if it is done with failed rows.

    Its time counts from `begun_at`, when the command began, if that began the run.
    """
    ended_at = report.ended_at or datetime.now(UTC)
    if begun_at and begun_at < min(report.started_at, ended_at):
        report = report.model_copy(update={"started_at": begun_at})
    if as_json:
        typer.echo(report.model_dump_json())
    else:
        _print_summary(report)
    if report.state != "open" and not report.ok:
        raise typer.Exit(SOME_FAILED)


def _print_summary(report: RunReport) -> None:
    """Print what became of a run; what to do next goes to standard error."""
    from ..runs.directory.catalog import name_of  # noqa: PLC0415 - `list` needs none

    print_text()
    print_facts(list(_summary_facts(report)))
    print_text()
    if report.synthetic:
        say("The answers are synthetic: the sandbox made them up.")
    name = name_of(report.run_dir)
    if report.state == "open":
        say(f"The run is open; continue with `batchwright resume {name}`.")
    elif not report.ok:
        say("The columns `_outcome` and `_error` say why rows did not succeed. To ask")
        say(f"those rows again: `batchwright retry {name}`")


def print_dry_run(found: DryRun) -> None:
    """Print the size and cost of a job, and its first prompts."""
    print_facts([*_dry_run_facts(found)])
    for sample in found.prompts:
        print_text()
        print_text(f"Prompt of {sample.row}")
        for line in prompt_lines(sample):
            print_text(f"  {line}")


def _batch_row(batch: Batch) -> tuple[str, ...]:
    counts = batch.counts
    failed = counts.errored
    if counts.expired is not None:
        failed = (failed or 0) + counts.expired
    return (
        Location(batch.id),
        when(batch.created_at),
        batch.provider_status or NOTHING,
        number(failed),
        number(counts.succeeded),
        number(counts.total),
    )


def _line_errors(batch: Batch) -> list[str]:
    lines = []
    for error in batch.errors[:_SHOWN_LINE_ERRORS]:
        where = "" if error.line is None else f"line {error.line}: "
        code = f" ({error.code})" if error.code else ""
        lines.append(f"{where}{error.message}{code}")
    more = len(batch.errors) - _SHOWN_LINE_ERRORS
    return [*lines, f"and {more:,} more"] if more > 0 else lines


def _summary_facts(report: RunReport) -> Iterator[Fact]:
    yield "State", report.state
    yield "Rows", f"{report.rows:,}"
    for outcome in Outcome:
        if count := report.outcomes.get(outcome):
            yield f"  {outcome}", f"{count:,}"
    rounds = f" in {report.rounds + 1:,} rounds" if report.rounds else ""
    if report.empty_values:
        yield "Empty values", _empty_values(report.empty_values, report.rows)
    asked = [line for line in report.batches if line.batch_id == REALTIME]
    yield "Batches", f"{len(report.batches) - len(asked):,}{rounds}"
    if asked:
        requests = sum(line.requests for line in asked)
        yield "Realtime", f"{requests:,} requests at full price"
    cached = ""
    if report.cache_read_tokens:
        cached = f" ({report.cache_read_tokens:,} from the cache)"
    yield (
        "Tokens",
        f"{report.input_tokens:,} in{cached}, {report.output_tokens:,} out",
    )
    yield "Cost", _cost(report)
    if report.reused:
        saved = dollars(report.saved_usd)
        yield "Reused", f"{report.reused:,} rows, which would have cost {saved}"
    yield "Time", _time(report)
    if report.finish_by:
        yield "Finish by", when(report.finish_by)
    if report.errors:
        groups = report.errors[:_SHOWN_ERRORS]
        lines = [
            f"{each.count:,} {each.outcome} (such as {each.example}): {each.error}"
            for each in groups
        ]
        more = len(report.errors) - len(groups)
        yield "Errors", [*lines, f"and {more} more kinds"] if more else lines
    if report.state != "open":
        yield "Output", Location(report.output or NOTHING)
        yield "Report", Location(f"{report.run_dir}/report.md")
    else:
        yield "Run", Location(report.run_dir)


def _dry_run_facts(found: DryRun) -> Iterator[Fact]:
    about = "" if found.input_usd is None else "about "
    yield "Provider", found.provider
    yield "Model", found.model
    yield "Requests", f"{found.requests:,}"
    if found.rows > found.requests:
        yield "Answered", f"{found.answered:,} in other runs"
        yield "Shared", f"{found.shared:,} rows are equal to another"
        yield "Saved", f"{dollars(found.saved_usd)} for the answers of other runs"
    if found.empty_values:
        yield "Empty values", _empty_values(found.empty_values, found.rows)
    yield "Bytes", f"{found.bytes:,}"
    yield "Batches", f"{found.batches:,}"
    yield "Input tokens", f"about {found.input_tokens:,} ({found.basis})"
    yield "Input cost", f"{about}{dollars(found.input_usd)}"
    unknown = "unknown without --max-tokens and a known price"
    most = found.most_output_usd
    yield (
        "Output cost",
        unknown
        if most is None
        else f"at most {dollars(most)} (--max-tokens for every row)",
    )
    yield (
        "Cost limit",
        (
            unknown
            if found.most_usd is None
            else f"at most {dollars(found.most_usd)} is reserved by --max-cost-usd"
        ),
    )
    if found.most_realtime_usd is not None:
        most_usd = dollars(found.most_realtime_usd)
        why = "if no batch has answered by the deadline, and all is asked in realtime"
        yield "Worst case", f"at most {most_usd} {why}"


def _empty_values(counts: dict[str, int], rows: int) -> list[str]:
    """Return how many rows have nothing in a column that the prompt uses."""
    return [f"{name}: {count:,} of {rows:,} rows" for name, count in counts.items()]


def _time(report: RunReport) -> str:
    ended_at = report.ended_at or datetime.now(UTC)
    seconds = (ended_at - report.started_at).total_seconds()
    parts = [f"{name} {took:.1f} s" for name, took in report.seconds.items()]
    return f"{seconds:.1f} s" + (f" ({', '.join(parts)})" if parts else "")


def _cost(report: RunReport) -> str:
    cost = dollars(report.cost_usd)
    return f"nothing; at the list price {cost}" if report.synthetic else cost


def dollars(value: float | None) -> str:
    """Return US dollars; an unknown amount is not 0."""
    return "unknown" if value is None else f"${value:,.4f}"
