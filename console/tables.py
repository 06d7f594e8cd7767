"""Batches, runs and reports as tables for a terminal and lines for a pipe."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from ..models import Batch, Outcome, RunReport

__all__ = [
    "batches_table",
    "output",
    "print_batch",
    "print_batches",
    "print_runs",
    "print_status",
    "print_summary",
    "summary",
]

TITLES = {"openai": "OpenAI Batch Jobs", "anthropic": "Anthropic Batch Jobs"}


def output() -> Console:
    """Return the console for data; in a pipe lines are never cut or folded."""
    console = Console(highlight=False)
    return (
        console
        if console.is_terminal
        else Console(highlight=False, width=10_000, no_color=True)
    )


def batches_table(provider: str, batches: Sequence[Batch]) -> Table:
    """Return the table of `list`."""
    table = Table(title=TITLES[provider])
    for name in ("Batch ID", "Created At", "Status"):
        table.add_column(name, overflow="ellipsis", no_wrap=True)
    for name in ("Failed", "Completed", "Total"):
        table.add_column(name, no_wrap=True)
    for batch in batches:
        counts = batch.counts
        table.add_row(
            batch.id,
            _when(batch.created_at),
            batch.provider_status,
            _number(counts.errored),
            _number(counts.succeeded),
            _number(counts.total),
        )
    return table


def print_batches(provider: str, batches: Sequence[Batch]) -> None:
    """Print the table of `list` once: a Rich table, or plain columns in a pipe."""
    console = output()
    if console.is_terminal:
        console.print(batches_table(provider, batches))
        return
    rows = [("Batch ID", "Created At", "Status", "Failed", "Completed", "Total")]
    for batch in batches:
        counts = batch.counts
        rows.append(
            (
                batch.id,
                _when(batch.created_at),
                batch.provider_status,
                _number(counts.errored),
                _number(counts.succeeded),
                _number(counts.total),
            )
        )
    _columns(console, rows)


def print_batch(batch: Batch) -> None:
    """Print one batch with counts, times and errors."""
    console = output()
    counts = batch.counts
    rows = [
        ("Batch ID", batch.id),
        ("Status", f"{batch.provider_status} ({batch.status})"),
        ("Endpoint", batch.endpoint or "-"),
        ("Created at", _when(batch.created_at)),
        ("Ended at", _when(batch.ended_at)),
        ("Expires at", _when(batch.expires_at)),
        ("Requests", _number(counts.total)),
        ("Succeeded", _number(counts.succeeded)),
        ("Failed", _number(counts.errored)),
        ("Expired", _number(counts.expired)),
        ("Cancelled", _number(counts.cancelled)),
    ]
    rows += [(f"Metadata {key}", value) for key, value in batch.metadata.items()]
    for error in batch.errors:
        where = f"line {error.line}: " if error.line else ""
        code = f" [{error.code}]" if error.code else ""
        rows.append(("Error", f"{where}{error.message}{code}"))
    _columns(console, rows)


def print_runs(reports: Iterable[RunReport]) -> None:
    """Print one line a run."""
    console = output()
    rows = [("Run", "State", "Rows", "Succeeded", "Batches", "Cost USD", "Output")]
    rows += [
        (
            report.run_dir,
            report.state,
            str(report.rows),
            str(report.outcomes.get(Outcome.SUCCEEDED, 0)),
            str(len(report.batches)),
            _usd(report.cost_usd),
            report.output or "-",
        )
        for report in reports
    ]
    _columns(console, rows)


def summary(report: RunReport) -> Table:
    """Return the end of a run in one table."""
    table = Table(box=box.SIMPLE, show_header=False, pad_edge=False)
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    table.add_row("Rows", f"{report.rows:,}")
    for outcome, count in report.outcomes.items():
        table.add_row(f"  {outcome}", f"{count:,}")
    rounds = f" in {report.rounds + 1} rounds" if report.rounds else ""
    table.add_row("Batches", f"{len(report.batches)}{rounds}")
    table.add_row("Tokens", f"{report.input_tokens:,} in, {report.output_tokens:,} out")
    table.add_row("Cost", _cost(report))
    if report.ended_at:
        seconds = (report.ended_at - report.started_at).total_seconds()
        table.add_row("Time", f"{seconds:.0f} s")
    for group in report.errors[:5]:
        text = Text(f"{group.count:,} {group.outcome}: {group.error}")
        table.add_row("Error", text)
    if report.output and report.state == "done":
        table.add_row("Output", Text(report.output))
    table.add_row("Run", Text(report.run_dir))
    return table


def print_summary(report: RunReport) -> None:
    """Print the end of a run, and what to do next."""
    console = output()
    console.print(summary(report))
    if report.synthetic:
        console.print("The answers are synthetic: the sandbox made them up.")
    if report.state == "open":
        console.print(f"Still open: batchwright resume {report.run_dir}")
    elif not report.ok:
        console.print(
            "Rows that did not succeed have their reason in `_outcome` and `_error`."
        )


def print_status(report: RunReport) -> None:
    """Print where a run stands, shard by shard."""
    console = output()
    rows = [("Part", "Try", "Batch ID", "Status", "Requests", "Created At")]
    rows += [
        (
            line.unit,
            str(line.attempt),
            line.batch_id or "-",
            line.provider_status,
            str(line.requests),
            _when(line.created_at),
        )
        for line in report.batches
    ]
    _columns(console, rows)
    print_summary(report)


def _cost(report: RunReport) -> str:
    if report.synthetic:
        return f"nothing (the list price would be {_usd(report.cost_usd)} USD)"
    return "unknown" if report.cost_usd is None else f"{_usd(report.cost_usd)} USD"


def _columns(console: Console, rows: Sequence[Sequence[str]]) -> None:
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    for row in rows:
        cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=True)]
        console.print(Text("  ".join(cells).rstrip()), soft_wrap=True)


def _when(moment: datetime | None) -> str:
    return moment.strftime("%Y-%m-%d %H:%M:%S") if moment else "-"


def _number(value: int | None) -> str:
    return "-" if value is None else str(value)


def _usd(value: float | None) -> str:
    return "unknown" if value is None else f"{value:,.4f}"
