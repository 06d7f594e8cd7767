"""A few neighbouring rows at once: what is done per row costs less in company."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from upath import UPath

__all__ = ["BLOCK_BYTES", "RowBlock"]

BLOCK_BYTES = 256 << 10
"""About what is read, encoded or hashed at once; processors keep it near."""


@dataclass(frozen=True, slots=True)
class RowBlock:
    """Neighbouring rows of one file, few enough to be held in memory."""

    file: UPath
    first_row: int
    """0-based, over all files of the input."""
    values: Sequence[dict[str, Any]]
    """For the prompt."""
    records: Any
    """The same rows as their source's store keeps them: anything that has slices."""
    lines: Sequence[int] | None = None
    """Number of each row's (last) line; None where there are no lines."""

    def __len__(self) -> int:
        return len(self.values)

    def part(self, start: int, stop: int) -> RowBlock:
        """Return the rows from `start` up to `stop`."""
        return RowBlock(
            self.file,
            self.first_row + start,
            self.values[start:stop],
            self.records[start:stop],
            self.lines and self.lines[start:stop],
        )

    def where(self) -> str:
        """Say in which file and line the first of the rows stands."""
        if self.lines is None:
            return f"{self.file} row {self.first_row}"
        return f"{self.file} line {self.lines[0]} (row {self.first_row})"
