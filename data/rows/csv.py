"""CSV input: each cell is text, exactly as written."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Sequence
from importlib.util import find_spec, module_from_spec
from itertools import chain
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

from upath import UPath

from ...errors import InputError
from .block import BLOCK_BYTES, RowBlock, check_names, place_of
from .text import open_text

if TYPE_CHECKING:
    from .parquet import CellStore

__all__ = ["CsvSource"]


def _own_csv() -> ModuleType:
    """Load the interpreter's CSV parser once more, with a limit of its own.

    The parser refuses cells over 128 KiB, and to raise that limit in the shared module
    would raise it for the whole process.
    """
    spec = find_spec("_csv")
    if spec is None or spec.loader is None:
        raise AssertionError("csv is part of Python")
    own = module_from_spec(spec)
    spec.loader.exec_module(own)
    own.field_size_limit(min(sys.maxsize, 2**31 - 1))
    return own


_csv = _own_csv()

_NAMES = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "vertical bars"}
"""What may separate cells."""


class CsvSource:
    """Rows of text files with a header, whose cells may hold newlines.

    The header decides what separates cells: commas if it has any outside of quotes,
    else semicolons, tabs or vertical bars.
    """

    store_suffix = ".parquet"

    def __init__(self, files: Sequence[UPath]) -> None:
        self._files = files
        self._file = files[0]
        self._line = self._number = 0
        self._delimiter = ","
        self.columns = self._header(next(self._records(files[0]), []))

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

        return CellStore(path, self.columns)

    def _blocks_of(
        self, records: Iterator[list[str]], called: str
    ) -> Iterator[tuple[list[list[str]], list[int], list[int]]]:
        """Yield the cells, the numbers and the last lines of a block's rows."""
        width = len(self.columns)
        rows: list[list[str]] = []
        numbers: list[int] = []
        lines: list[int] = []
        size = 0
        for cells in records:
            if len(cells) != width:
                where = place_of(self._file, called, self._number, self._line)
                raise InputError(
                    f"{where} has {len(cells)} cells, but the header names {width}"
                    f" columns; quote cells that hold {_NAMES[self._delimiter]}."
                )
            rows.append(cells)
            numbers.append(self._number)
            lines.append(self._line)
            size += sum(map(len, cells))
            if size > BLOCK_BYTES:
                yield rows, numbers, lines
                rows, numbers, lines, size = [], [], [], 0
        if rows:
            yield rows, numbers, lines

    def _records(self, path: UPath) -> Iterator[list[str]]:
        """Yield the cells of each line, blank lines left out."""
        with open_text(path) as file:
            skipped, header = next(
                ((n, line) for n, line in enumerate(file) if line.strip()), (0, "")
            )
            self._delimiter = _delimiter(path, header)
            lines = chain([header], file)
            reader = _csv.reader(lines, delimiter=self._delimiter, strict=True)
            try:
                # A spreadsheet counts records, with the blank ones.
                for self._number, cells in enumerate(reader, skipped + 1):
                    self._line = skipped + reader.line_num
                    if cells:
                        yield cells
            except _csv.Error as exc:
                line = skipped + reader.line_num
                raise InputError(f"{path} line {line} is not CSV: {exc}.") from exc

    def _header(self, names: list[str]) -> tuple[str, ...]:
        if not names:
            raise InputError(f"{self._file} is empty: it needs a header and rows.")
        check_names(self._file, names)
        return tuple(names)


def _delimiter(path: UPath, header: str) -> str:
    if ".tsv" in path.suffixes:
        return "\t"
    unquoted = re.sub('"[^"]*"', "", header)
    found = max(";\t|", key=unquoted.count)
    return "," if "," in unquoted or found not in unquoted else found
