"""Consecutive rows, about 256 KB, that are read and encoded together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from upath import UPath

from ...errors import InputError

__all__ = ["BLOCK_BYTES", "MAX_ROW_BYTES", "RowBlock", "check_names", "row_too_large"]

_MAX_COLUMNS = 10_000

BLOCK_BYTES = 256 << 10
"""How much is read, encoded or hashed at a time; it fits into a processor's cache."""

MAX_ROW_BYTES = 32 << 20
"""The most that one row may hold. Anthropic takes no larger request."""


@dataclass(frozen=True, slots=True)
class RowBlock:
    """Consecutive rows of one file."""

    file: UPath
    first_row: int
    """Its 0-based number over all files of the input."""
    values: Sequence[dict[str, Any]]
    """Values by column, for the prompt."""
    records: Any
    """The same rows as `RowSource.store` takes them: any type that can be sliced."""
    lines: Sequence[int] | None = None
    """The number of each row's last line; None for a format without lines."""

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
        """Return the file and line of the first row, for a message."""
        if self.lines is None:
            return f"{self.file} row {self.first_row}"
        return f"{self.file} line {self.lines[0]} (row {self.first_row})"


def check_names(file: UPath, names: Sequence[str]) -> None:
    """Refuse a header with equal names, or with too many.

    Raises:
        InputError: It names the file and the column.
    """
    if len(names) > _MAX_COLUMNS:
        raise InputError(
            f"{file} has {len(names):,} columns, and {_MAX_COLUMNS:,} are the most that"
            " can be used; keep the columns that the prompt needs."
        )
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise InputError(
                f"{file} has the column {name!r} more than once; rename one."
            )
        seen.add(name)


def row_too_large(where: str, column: str | None = None) -> InputError:
    """Return the error about a row, or a column, that cannot be held in memory."""
    what = "all columns together need" if column is None else f"{column!r} needs"
    return InputError(
        f"{where}: {what} over {MAX_ROW_BYTES >> 20} MB of memory at once, which is the"
        " most that a row may have. Leave out what is so large, or split it over"
        " several rows."
    )
