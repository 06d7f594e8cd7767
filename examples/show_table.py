"""Show a CSV file as a table: `python examples/show_table.py labels.csv`."""

from __future__ import annotations

import csv
import sys
from pathlib import Path

from rich.console import Console
from rich.table import Table

COLUMNS = ("id", "email", "label", "confidence", "reason", "_outcome")


def main(path: Path) -> None:
    """Print the columns that a person wants to see."""
    table = Table()
    for name in COLUMNS:
        table.add_column(name, max_width=40, overflow="ellipsis", no_wrap=True)
    with path.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            table.add_row(*(row[name] for name in COLUMNS))
    Console().print(table)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
