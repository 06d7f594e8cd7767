"""Tests of `console.tables` on a narrow terminal."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from batchwright.console.tables import Location, Name, RuledTable

ID = "batch_sandbox_68f0c1d2e3b4a59687786001"
PATH = (
    "/home/ines/日本語/projects/support/2026/batchwright-runs/labels-2f7c01d4/out.csv"
)


def drawn(width: int, *cells: str) -> list[str]:
    """Return the lines of a table with one row."""
    console = Console(
        file=io.StringIO(), width=width, force_terminal=True, no_color=True
    )
    columns = [f"Column {number}" for number, _ in enumerate(cells)]
    with console.capture() as captured:
        console.print(RuledTable("Title", columns, [cells]))
    return captured.get().splitlines()


@pytest.mark.parametrize("width", [50, 80, 200])
def test_no_location_is_broken_over_lines(width: int) -> None:
    """Its middle is cut, and both of its ends are on one line; texts are whole."""
    lines = drawn(width, Location(ID), "in_progress", Location(PATH))
    (line,) = (each for each in lines if "batch_" in each)
    assert "6001" in line
    assert "/home" in line
    assert "out.csv" in line
    assert "in_progress" in line
    assert (ID in line) == (PATH in line) == (width == 200)


def test_a_name_gives_way_last() -> None:
    """What a person types is whole where it fits at all."""
    lines = drawn(80, Name("labels-2f7c01d4"), "nothing; " * 5, Location(PATH))
    assert sum("labels-2f7c01d4" in each for each in lines) == 1
