"""Excel input: each cell of a workbook's first sheet is text."""

from __future__ import annotations

import re
import warnings
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, time
from typing import Any
from xml.etree.ElementTree import ParseError
from zipfile import BadZipFile, ZipFile

from upath import UPath

from ...errors import InputError
from .block import MAX_ROW_BYTES, row_too_large
from .cells import CellSource
from .kinds import not_a

__all__ = ["XlsxSource"]

_CHUNK_BYTES = 1 << 20
_OVERLAP_BYTES = 1 << 15
"""More than the longest formula, 8,192 characters, takes."""
_UNSAVED = re.compile(
    rb'<(\w+:)?c r="([A-Z]+[0-9]+)"(?![^>]*t="str")[^>]*>'
    rb"<\1?f(?:[^>]*/>|[^<]*</\1?f>)(?:<\1?v */>|<\1?v></\1?v>)?</\1?c>"
)
"""A cell with a formula and without its value; an empty text is a value."""
_END_OF_ROW = b"row>"
_MAX_PART_BYTES = 256 << 20
"""Of each part that openpyxl holds in memory: all texts, all styles."""

_EXACT = 2**53
_DAMAGED = (
    BadZipFile,
    EOFError,
    IndexError,
    KeyError,
    OSError,
    ParseError,
    TypeError,
    ValueError,
    zlib.error,
)
"""What openpyxl raises about files that are no workbooks, or damaged ones."""


class XlsxSource(CellSource):
    """Rows of the first visible sheet, below its first row with a value.

    Number formats are not applied: 1.5 is `1.5`, also where 1.50 or 150% is shown.
    """

    def __init__(self, files: Sequence[UPath]) -> None:
        self._checked: set[UPath] = set()
        super().__init__(files)

    def _records(self, path: UPath) -> Iterator[list[str]]:
        """Yield the cells of each row, empty rows left out."""
        with _sheet(path) as sheet:
            if path not in self._checked:  # a header is read before the rows
                _check_rows(path, sheet)
                self._checked.add(path)
            sheets = len(sheet.parent.sheetnames)
            if sheets > 1:
                self.note = (
                    f"The rows are those of the sheet {sheet.title!r}, the first of"
                    f" {sheets} in {path}."
                )
            rows = (
                (line, [*map(_text, values)])
                for line, values in enumerate(sheet.iter_rows(values_only=True), 1)
                if any(value is not None for value in values)
            )
            self._number, names = next(rows, (0, []))
            places = [index for index, name in enumerate(names) if name.strip()]
            yield [names[index] for index in places]
            width, unnamed = len(names), {*range(len(names))} - {*places}
            for self._number, cells in rows:
                self._line = self._number
                if sum(map(len, cells)) > MAX_ROW_BYTES:
                    raise row_too_large(f"{path} row {self._number}")
                if any(cells[width:]) or any(
                    cells[n] for n in unnamed if n < len(cells)
                ):
                    raise InputError(
                        f"{path} row {self._number} has a value in a column without a"
                        " name; write names into the header, one for each column."
                    )
                if any(cells):
                    padded = cells + [""] * (width - len(cells))
                    yield [padded[index] for index in places]


@contextmanager
def _sheet(path: UPath) -> Iterator[Any]:
    """Open the first visible sheet of a workbook."""
    try:
        from openpyxl import load_workbook  # noqa: PLC0415 - an extra
    except ImportError as exc:
        raise InputError(
            f"{path} is Excel, which needs another package:"
            " pip install 'batchwright[xlsx]'"
        ) from exc
    try:
        with path.open("rb") as file:
            _check_parts(path, file)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # about what else is in the workbook
                book = load_workbook(
                    file, read_only=True, data_only=True, keep_links=False
                )
            visible = [
                each for each in book.worksheets if each.sheet_state == "visible"
            ]
            sheet = (visible or book.worksheets)[0]
            sheet.reset_dimensions()  # programs write wrong ones
            yield sheet
    except _DAMAGED as exc:
        raise not_a(path, "Excel workbook", exc) from exc


def _check_parts(path: UPath, file: Any) -> None:
    """Refuse a workbook that is small and swells when it is opened."""
    with ZipFile(file) as parts:
        for part in parts.infolist():
            is_streamed = part.filename.startswith("xl/worksheets/")
            is_large = part.file_size > _MAX_PART_BYTES
            if is_large and not is_streamed and part.filename.endswith(".xml"):
                raise InputError(
                    f"{path} has {part.file_size >> 20:,} MB in {part.filename}, and"
                    f" {_MAX_PART_BYTES >> 20} MB are the most that are held in memory;"
                    " save it as .csv."
                )


def _check_rows(path: UPath, sheet: Any) -> None:
    """Refuse what openpyxl would not: a huge row, and a formula without its value.

    It takes such a formula, which a program wrote and no spreadsheet ever calculated,
    for an empty cell.
    """
    with sheet._get_source() as file:  # noqa: SLF001 - nothing public gives the XML
        tail = b""
        row_bytes = 0
        while chunk := file.read(_CHUNK_BYTES):
            end = chunk.rfind(_END_OF_ROW)
            row_bytes = row_bytes + len(chunk) if end < 0 else len(chunk) - end
            if row_bytes > MAX_ROW_BYTES:
                raise row_too_large(str(path))
            tail += chunk
            if b"f>" in tail and (found := _UNSAVED.search(tail)):
                raise InputError(
                    f"{path} cell {found[2].decode()} has a formula whose value was"
                    " never saved; open the file in Excel or LibreOffice and save it."
                )
            tail = tail[-_OVERLAP_BYTES:]


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).upper()  # as the cell shows it
    if isinstance(value, float) and value.is_integer() and abs(value) <= _EXACT:
        return str(int(value))
    if isinstance(value, datetime):
        is_day = value.time() == time()
        return value.date().isoformat() if is_day else value.isoformat()
    return str(value)
