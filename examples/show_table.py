"""Show a CSV file as a table: `python examples/show_table.py labels.csv`."""

from __future__ import annotations

import csv
import sys
from pathlib import Path

from rich.box import SIMPLE
from rich.console import Console
from rich.table import Table

HIDDEN = {"sender", "_error", "_raw", "_custom_id", "_batch_id", "_cost_usd"}
LONGEST = 36


def main(path: Path) -> None:
    """Print the columns that a person wants to see first."""
    with path.open(encoding="utf-8", newline="") as file:
        rows = csv.DictReader(file)
        names = [name for name in rows.fieldnames or () if name not in HIDDEN]
        table = Table(*names, box=SIMPLE)
        for row in rows:
            table.add_row(*(_short(row[name]) for name in names))
    Console(width=140).print(table)


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= LONGEST else line[: LONGEST - 1] + "…"


if __name__ == "__main__":
    main(Path(sys.argv[1]))
