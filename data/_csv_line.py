"""One CSV line from cells that are text already."""

from __future__ import annotations

from collections.abc import Iterable

__all__ = ["csv_line"]


def csv_line(cells: Iterable[str]) -> str:
    """Return the line with its newline; cells are quoted where they must be.

    The standard library's writer looks at each character by itself; where cells are
    texts of models, that is a third of the time that a join takes.
    """
    return ",".join(map(_quoted, cells)) + "\n"


def _quoted(cell: str) -> str:
    if '"' in cell or "," in cell or "\n" in cell or "\r" in cell:
        return '"' + cell.replace('"', '""') + '"'
    return cell
