"""Tables of text cells below a header: what CSV and Excel have in common."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from upath import UPath

from ...errors import InputError
from .block import BLOCK_BYTES, RowBlock, check_names, place_of

if TYPE_CHECKING:
    from .parquet import CellStore

__all__ = ["CellSource"]


class CellSource(ABC):
    """Rows whose cells are text, exactly as written."""

    store_suffix = ".parquet"
    note: str | None = None
    separators = "commas"
    """What separates the cells of the file that is being read."""
    has_bom = False
    """Whether it begins with a BOM."""

    def __init__(self, files: Sequence[UPath]) -> None:
        self._files = files
        self._file = files[0]
        self._line = self._number = 0
        self.columns = self._header(next(self._records(files[0]), []))
        self._keeps_bom = self.has_bom

    @abstractmethod
    def _records(self, path: UPath) -> Iterator[list[str]]:
        """Yield the header, and the cells of each row; sets `_number` and `_line`."""

    def blocks(self) -> Iterator[RowBlock]:
        """Yield rows as dicts of text, with their cells."""
        row = 0
        for path in self._files:
            self._file = path
            records = self._records(path)
            if (header := self._header(next(records, []))) != self.columns:
                raise InputError(
                    f"{path} has other columns than {self._files[0]}:"
                    f" {', '.join(header)} instead of {', '.join(self.columns)}. Make"
                    " the columns equal, or run each file on its own."
                )
            called = f"row {{}} (header is row {self._number})"
            for rows, numbers, lines in self._blocks_of(records, called):
                values = [dict(zip(self.columns, cells, strict=True)) for cells in rows]
                yield RowBlock(path, row, values, rows, numbers, called, lines)
                row += len(rows)

    def store(self, path: Path) -> CellStore:
        """Return a new Parquet file of text columns."""
        from .parquet import CellStore  # noqa: PLC0415 - pyarrow takes 100 MB

        return CellStore(path, self.columns, has_bom=self._keeps_bom)

    def _blocks_of(
        self, records: Iterator[list[str]], called: str
    ) -> Iterator[tuple[list[list[str]], list[int], list[int]]]:
        """Yield the cells, the numbers and the last lines of a block's rows."""
        width = len(self.columns)
        rows: list[list[str]] = []
        numbers: list[int] = []
        lines: list[int] = []
        size = 0
        problem: InputError | None = None
        try:
            for cells in records:
                if len(cells) != width:
                    problem = self._wrong_width(len(cells), called)
                    break
                rows.append(cells)
                numbers.append(self._number)
                lines.append(self._line)
                size += sum(map(len, cells))
                if size > BLOCK_BYTES:
                    yield rows, numbers, lines
                    rows, numbers, lines, size = [], [], [], 0
        except InputError as exc:
            problem = exc  # after the rows before it, which may be all that is wanted
        if rows:
            yield rows, numbers, lines
        if problem:
            raise problem

    def _wrong_width(self, cells: int, called: str) -> InputError:
        where = place_of(self._file, called, self._number, self._line)
        return InputError(
            f"{where} has {cells} cells, but the header names {len(self.columns)}"
            f" columns; quote cells that hold {self.separators}."
        )

    def _header(self, names: list[str]) -> tuple[str, ...]:
        if not names:
            raise InputError(f"{self._file} has no header; it needs one, and rows.")
        check_names(self._file, names)
        return tuple(names)
