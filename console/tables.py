"""Tables: ruled on a terminal, plain and never cut in a pipe."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from datetime import UTC, datetime

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

__all__ = ["NOTHING", "make_table", "number", "print_facts", "print_table", "when"]

NOTHING = "-"
"""Stands where the provider does not say."""

_COLOURS = {
    "completed": "green",
    "ended": "green",
    "done": "green",
    "in_progress": "cyan",
    "open": "cyan",
    "failed": "red",
    "expired": "yellow",
    "cancelled": "yellow",
}

Row = Sequence[str]


def make_table(title: str, columns: Row, rows: Sequence[Row]) -> Table:
    """Return a table for a terminal; the first column is folded, never cut."""
    table = Table(title=title)
    for position, name in enumerate(columns):
        table.add_column(name, overflow="fold", no_wrap=position != 0)
    for row in rows:
        table.add_row(*(Text(cell, _COLOURS.get(cell, "")) for cell in row))
    return table


def print_table(title: str, columns: Row, rows: Sequence[Row]) -> None:
    """Print to standard output."""
    if sys.stdout.isatty():
        Console().print(make_table(title, columns, rows))
        return
    typer.echo(title)
    _print_aligned([columns, *rows])


def print_facts(facts: Sequence[tuple[str, str]]) -> None:
    """Print names and values; a value may have several lines."""
    if sys.stdout.isatty():
        table = Table(show_header=False, box=None, pad_edge=False)
        table.add_column(style="bold", no_wrap=True)
        table.add_column(overflow="fold")
        for name, value in facts:
            table.add_row(name, Text(value, _COLOURS.get(value, "")))
        Console().print(table)
        return
    _print_aligned(
        [
            (name if position == 0 else "", line)
            for name, value in facts
            for position, line in enumerate(value.split("\n"))
        ]
    )


def _print_aligned(rows: Sequence[Row]) -> None:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        typer.echo("  ".join(cells).rstrip())


def when(moment: datetime | None) -> str:
    """Return a time in UTC, to the second."""
    if moment is None:
        return NOTHING
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S}"


def number(value: int | None) -> str:
    """Return a count; what is not known is no 0."""
    return NOTHING if value is None else str(value)
