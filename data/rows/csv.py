"""CSV input: each cell is text, exactly as written."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from importlib.util import find_spec, module_from_spec
from itertools import chain
from pathlib import PurePosixPath
from types import ModuleType

from upath import UPath

from ...errors import InputError
from .block import MAX_ROW_BYTES, row_too_large
from .cells import CellSource
from .kinds import JSON_LINES, no_table
from .text import BOMS, open_text

__all__ = ["CsvSource", "csv_reader"]


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

csv_reader = _csv.reader
"""Reads cells of any size."""

_NAMES = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "vertical bars"}
"""What may separate cells."""

_TEXT_BYTES = 50
"""What a text takes besides its characters."""

_SEPARATOR_LINE = re.compile("sep=([,;\t|])\\s*", re.IGNORECASE)
"""A line by which Excel is told the delimiter."""


class CsvSource(CellSource):
    """Rows of text files with a header, whose cells may hold newlines.

    The header decides what separates cells: what it has most of outside of quotes. A
    first line `sep=;` decides it too.
    """

    def __init__(self, files: Sequence[UPath], encoding: str | None) -> None:
        self._encoding = encoding
        super().__init__(files)
        if self.separators != _NAMES[_usual(files[0])]:
            self.note = f"The cells of {files[0]} are separated by {self.separators}."

    def _records(self, path: UPath) -> Iterator[list[str]]:
        """Yield the cells of each line, blank lines left out."""
        with open_text(path, self._encoding, "") as opened:
            self.has_bom = opened.encoding in BOMS.values()
            self._row_bytes = 0
            file = self._bounded(path, opened)
            numbered = ((n, line) for n, line in enumerate(file) if line.strip())
            skipped, header = next(numbered, (0, ""))
            told = _SEPARATOR_LINE.fullmatch(header)
            if told:
                skipped, header = next(numbered, (0, ""))
            if header.startswith('{"'):
                raise no_table(path, JSON_LINES, "CSV")
            lines = [header]
            quotes = header.count('"')
            while quotes % 2 and (line := next(file, "")):  # a name may have newlines
                lines.append(line)
                quotes += line.count('"')
            delimiter = _delimiter("".join(lines), _usual(path))
            if told:
                delimiter = told[1]
            self.separators = _NAMES[delimiter]
            self._line = skipped
            reader = csv_reader(chain(lines, file), delimiter=delimiter, strict=True)
            try:
                # A spreadsheet counts records, with the blank ones.
                for self._number, cells in enumerate(reader, skipped + 1):
                    self._line = skipped + reader.line_num
                    self._row_bytes = 0
                    if cells:
                        yield cells
            except _csv.Error as exc:
                first, last = self._line + 1, skipped + reader.line_num
                where = f"line {last}" if first >= last else f"lines {first} to {last}"
                raise InputError(f"{path} {where}: not CSV: {exc}.") from exc

    def _bounded(self, path: UPath, lines: Iterable[str]) -> Iterator[str]:
        """Yield lines; a row may have any number of them, since cells hold newlines."""
        for line in lines:
            self._row_bytes += len(line) + _TEXT_BYTES
            if self._row_bytes > MAX_ROW_BYTES:
                raise row_too_large(f"{path} after line {self._line}")
            yield line


def _usual(path: UPath) -> str:
    """Return what the name of a file says about its delimiter."""
    return "\t" if ".tsv" in PurePosixPath(path.name.lower()).suffixes else ","


def _delimiter(header: str, usual: str) -> str:
    """Return what separates the names of a header: `usual` if nothing does."""
    unquoted = re.sub('"[^"]*"', "", header)
    found = max("\t,;|", key=unquoted.count)
    return found if found in unquoted else usual
