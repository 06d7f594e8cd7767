"""Consecutive rows, about 256 KB, that are read and encoded together."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from upath import UPath

from ...errors import InputError
from ..columns import RESERVED

__all__ = [
    "BLOCK_BYTES",
    "MAX_ROW_BYTES",
    "Place",
    "RowBlock",
    "check_names",
    "first_rows",
    "place_of",
    "refuse_collisions",
    "refuse_reserved",
    "row_too_large",
]

_MAX_COLUMNS = 10_000

BLOCK_BYTES = 256 << 10
"""How much is read, encoded or hashed at a time; it fits into a processor's cache."""

MAX_ROW_BYTES = 32 << 20
"""The most that one row may hold. Anthropic takes no larger request."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where consecutive rows of the input are, up to the next place."""

    first_row: int
    """0-based, over all files of the input."""
    file: str
    number: int
    """That of the first row, as a person counts in this file; 0: not known."""
    called: str
    """What a person calls a row, with `{}` for its number."""

    def of(self, row: int) -> str | None:
        """Return the place of one of the rows, for a message; None: not known."""
        if not self.number:
            return None
        return place_of(self.file, self.called, self.number + row - self.first_row)


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
    numbers: Sequence[int]
    """Of each row, as `called` counts them: from 1, with headers and blank rows."""
    called: str = "row {}"
    """What a person calls a row of this file, with `{}` for its number."""
    lines: Sequence[int] | None = None
    """The last line of each row, if rows of this format may have several lines."""

    def __len__(self) -> int:
        return len(self.values)

    def part(self, start: int, stop: int) -> RowBlock:
        """Return the rows from `start` up to `stop`."""
        return RowBlock(
            self.file,
            self.first_row + start,
            self.values[start:stop],
            self.records[start:stop],
            self.numbers[start:stop],
            self.called,
            self.lines and self.lines[start:stop],
        )

    def where(self) -> str:
        """Return the file and place of the first row, for a message."""
        line = self.lines[0] if self.lines else None
        return place_of(self.file, self.called, self.numbers[0], line)

    def places(self) -> list[Place]:
        """Return where the rows are: one place, and one more after each gap."""
        numbers = self.numbers
        starts = [0]
        if numbers[-1] - numbers[0] != len(numbers) - 1:
            gaps = zip(range(1, len(numbers)), numbers, numbers[1:], strict=False)
            starts += [start for start, one, next_ in gaps if next_ != one + 1]
        return [
            Place(self.first_row + each, self.file.name, numbers[each], self.called)
            for each in starts
        ]


def first_rows(blocks: Iterable[RowBlock], limit: int | None) -> Iterator[RowBlock]:
    """Yield blocks up to `limit` rows; what follows is not read."""
    for block in blocks:
        if limit is not None and block.first_row + len(block) >= limit:
            yield block.part(0, limit - block.first_row)
            return
        yield block


def place_of(
    file: UPath | str, called: str, number: int, line: int | None = None
) -> str:
    """Return the place of a row, for a message; a line only if it differs."""
    place = f"{file} {called.replace('{}', str(number))}"
    return place if line in {None, number} else f"{place}, line {line} of the file"


def refuse_reserved(names: Iterable[str], where: str) -> None:
    """Refuse an input's column that has a name of ours.

    Raises:
        InputError: It names the column and the way out.
    """
    for name in names:
        if name in RESERVED:
            raise InputError(
                f"{where} has a column {name!r}, which is the name of a column that the"
                " output gets; rename it in the input, or leave it out."
            )


def refuse_collisions(
    columns: frozenset[str], taken: Iterable[str], where: str
) -> None:
    """Refuse an answer's column whose name another column has.

    Raises:
        InputError: It names the column and the way out.
    """
    for name in taken:
        if name in columns:
            raise InputError(
                f"{where} has a column {name!r}, and so has the answer; put something"
                " before the answer's names with --answer-prefix."
            )


def check_names(file: UPath | str, names: Sequence[str]) -> None:
    """Refuse a header with equal names, too many, or one of ours.

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
    refuse_reserved(names, str(file))


def row_too_large(where: str, column: str | None = None) -> InputError:
    """Return the error about a row, or a column, that cannot be held in memory."""
    what = "a row needs" if column is None else f"the column {column!r} needs"
    return InputError(
        f"{where}: {what} over {MAX_ROW_BYTES >> 20} MB of memory at once, which is the"
        " most that a row may have. Leave out what is so large, or split it over"
        " several rows."
    )
