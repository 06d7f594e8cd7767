"""Tables: with borders on a terminal, plain text in a pipe."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

from ..errors import visible_line
from .exits import print_text

__all__ = [
    "NOTHING",
    "Fact",
    "Location",
    "Name",
    "RuledTable",
    "number",
    "print_facts",
    "print_table",
    "redrawn",
    "when",
]

NOTHING = "-"
"""Shown for a value that the provider does not report."""

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

_WIDE = 110
"""Width in columns at which the ID of a batch and its times fit on one line."""
_DATE = len("2026-11-23")

Row = Sequence[str]
Fact = tuple[str, str | Sequence[str]]
"""A name, and its value or the lines of its value."""


class Location(str):
    """An ID or a path: where a terminal is too narrow for it, its middle is cut."""

    __slots__ = ()


class Name(Location):
    """A name that a person types: other columns give way first."""

    __slots__ = ()


class _Cut:
    """A location as a terminal shows it."""

    def __init__(self, location: Location) -> None:
        self._text = visible_line(location)

    def __rich_measure__(
        self, _console: Console, _options: ConsoleOptions
    ) -> Measurement:
        return Measurement(1, cell_len(self._text))

    def __rich_console__(
        self, _console: Console, options: ConsoleOptions
    ) -> RenderResult:
        text = cut = self._text
        kept = len(text)
        while cell_len(cut) > options.max_width and kept > 1:
            kept -= 1
            cut = f"{text[: (kept + 1) // 2]}…{text[len(text) - kept // 2 :]}"
        yield Text(cut, no_wrap=True)


@dataclass(frozen=True, slots=True)
class RuledTable:
    """A table with borders; it fits the terminal, and folds long cells of text."""

    title: str
    columns: Row
    rows: Sequence[Row]

    def __rich_console__(
        self, console: Console, options: ConsoleOptions
    ) -> RenderResult:
        table = Table(title=self.title)
        for index, name in enumerate(self.columns):
            gives_way = not any(isinstance(row[index], Name) for row in self.rows)
            table.add_column(name, overflow="fold", no_wrap=not gives_way)
            if options.max_width < _WIDE and name.endswith(" At"):
                table.columns[-1].max_width = _DATE  # the time goes below it
        for row in self.rows:
            table.add_row(*map(_cell, row))
        yield table


def redrawn(content: RenderableType) -> RenderableType:
    """Add an empty line to content that is drawn again and again.

    The terminal prints `^C` there. After a full line it would begin another line, and
    the next drawing would no longer cover the last one.
    """
    return Group(content, "")


def print_table(table: RuledTable) -> None:
    """Print to standard output."""
    if sys.stdout.isatty():
        Console().print(table)
        return
    print_text(table.title)
    _print_aligned([table.columns, *table.rows])


def print_facts(facts: Sequence[Fact]) -> None:
    """Print names and values."""
    if sys.stdout.isatty():
        table = Table(show_header=False, box=None, pad_edge=False)
        table.add_column(style="bold", no_wrap=True)
        table.add_column(overflow="fold")
        for name, value in facts:
            table.add_row(name, Group(*map(_cell, _lines(value))))
        Console().print(table)
        return
    _print_aligned(
        [
            (name if position == 0 else "", line)
            for name, value in facts
            for position, line in enumerate(_lines(value))
        ]
    )


def _cell(text: str) -> RenderableType:
    if isinstance(text, Location):
        return _Cut(text)
    return Text(visible_line(text), _COLOURS.get(text, ""))


def _lines(value: str | Sequence[str]) -> Sequence[str]:
    return [value] if isinstance(value, str) else value


def _print_aligned(rows: Sequence[Row]) -> None:
    rows = [[*map(visible_line, row)] for row in rows]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        print_text("  ".join(cells).rstrip())


def when(moment: datetime | None) -> str:
    """Return a time in UTC, to the second."""
    if moment is None:
        return NOTHING
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S}"


def number(value: int | None) -> str:
    """Return a count; an unknown one is not 0."""
    return NOTHING if value is None else str(value)
