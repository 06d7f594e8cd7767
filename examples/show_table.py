"""Show a CSV file as a table: `python examples/show_table.py labels.csv`."""

from __future__ import annotations

import csv
import sys
from pathlib import Path

from rich.console import Console
from rich.table import Table

HIDDEN = {"sender", "_raw", "_custom_id", "_batch_id", "_error"}


def main(path: Path) -> None:
    """Print the columns that a person wants to see first."""
    with path.open(encoding="utf-8", newline="") as file:
        rows = csv.DictReader(file)
        names = [name for name in rows.fieldnames or () if name not in HIDDEN]
        table = Table()
        for name in names:
            table.add_column(name, max_width=32, overflow="ellipsis", no_wrap=True)
        for row in rows:
            table.add_row(*(row[name] for name in names))
    Console().print(table)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
