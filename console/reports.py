"""How runs look: a line each, batch by batch, and the end in one table."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

import typer

from ..models import Outcome, RunReport
from .exits import say
from .tables import NOTHING, print_facts, print_table, when

__all__ = ["dollars", "print_batches_of", "print_runs", "print_summary"]

_SHOWN_ERRORS = 5


def print_runs(reports: Sequence[RunReport]) -> None:
    """Print a line for each run."""
    columns = ("Run", "State", "Rows", "Succeeded", "Batches", "Cost", "Output")
    rows = [
        (
            report.run_dir,
            report.state,
            f"{report.rows}",
            f"{report.outcomes.get(Outcome.SUCCEEDED, 0)}",
            f"{len(report.batches)}",
            _cost(report),
            report.output or NOTHING,
        )
        for report in reports
    ]
    print_table("Runs", columns, rows)


def print_batches_of(report: RunReport) -> None:
    """Print every batch of a run, shard by shard."""
    columns = ("Batch ID", "Part", "Try", "Status", "Requests", "Created At")
    rows = [
        (
            line.batch_id or NOTHING,
            line.shard,
            f"{line.attempt + 1}",
            line.provider_status,
            f"{line.requests}",
            when(line.created_at),
        )
        for line in report.batches
    ]
    print_table("Batches", columns, rows)


def print_summary(report: RunReport) -> None:
    """Print how a run stands or ended; what to do next goes to standard error."""
    typer.echo()
    print_facts(list(_facts(report)))
    typer.echo()
    if report.synthetic:
        say("The answers are synthetic: the sandbox made them up.")
    if report.state == "open":
        say(f"The run is open; continue with `batchwright resume {report.run_dir}`.")
    elif not report.ok:
        say("Rows that did not succeed say why in `_outcome` and `_error`.")


def _facts(report: RunReport) -> Iterator[tuple[str, str]]:
    yield "State", report.state
    yield "Rows", f"{report.rows:,}"
    for outcome in Outcome:
        if count := report.outcomes.get(outcome):
            yield f"  {outcome}", f"{count:,}"
    rounds = f", {report.rounds} of them further rounds" if report.rounds else ""
    yield "Batches", f"{len(report.batches):,}{rounds}"
    cached = ""
    if report.cache_read_tokens:
        cached = f" ({report.cache_read_tokens:,} from the cache)"
    yield (
        "Tokens",
        f"{report.input_tokens:,} in{cached}, {report.output_tokens:,} out",
    )
    yield "Cost", _cost(report)
    yield "Time", _time(report)
    if report.errors:
        groups = report.errors[:_SHOWN_ERRORS]
        lines = [
            f"{each.count:,} {each.outcome} (such as row {each.example_row}):"
            f" {each.error}"
            for each in groups
        ]
        more = len(report.errors) - len(groups)
        yield "Errors", "\n".join([*lines, f"and {more} more kinds"] if more else lines)
    if report.state != "open":
        yield "Output", report.output or NOTHING
        yield "Report", f"{report.run_dir}/report.md"
    else:
        yield "Run", report.run_dir


def _time(report: RunReport) -> str:
    seconds = (
        (report.ended_at or datetime.now(UTC)) - report.started_at
    ).total_seconds()
    parts = [f"{name} {took:.1f} s" for name, took in report.seconds.items()]
    return f"{seconds:.1f} s" + (f" ({', '.join(parts)})" if parts else "")


def _cost(report: RunReport) -> str:
    cost = dollars(report.cost_usd)
    return f"nothing; at the list price {cost}" if report.synthetic else cost


def dollars(value: float | None) -> str:
    """Return US dollars; what is not known is no 0."""
    return "unknown" if value is None else f"${value:,.4f}"
