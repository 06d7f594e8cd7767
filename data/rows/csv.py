"""CSV input: each cell is text, exactly as written."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Sequence
from importlib.util import find_spec, module_from_spec
from itertools import chain
from types import ModuleType

from upath import UPath

from ...errors import InputError
from .cells import CellSource
from .kinds import JSON_LINES
from .text import BOMS, open_text

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

_SEPARATOR_LINE = re.compile("sep=([,;\t|])\\s*", re.IGNORECASE)
"""A line by which Excel is told the delimiter."""


class CsvSource(CellSource):
    """Rows of text files with a header, whose cells may hold newlines.

    The header decides what separates cells: commas if it has any outside of quotes,
    else semicolons, tabs or vertical bars. A first line `sep=;` decides it too.
    """

    def __init__(self, files: Sequence[UPath], encoding: str | None) -> None:
        self._encoding = encoding
        super().__init__(files)
        if self.separators != "commas" and ".tsv" not in files[0].suffixes:
            self.note = f"The cells of {files[0]} are separated by {self.separators}."

    def _records(self, path: UPath) -> Iterator[list[str]]:
        """Yield the cells of each line, blank lines left out."""
        with open_text(path, self._encoding, "") as file:
            self.has_bom = file.encoding in BOMS.values()
            numbered = ((n, line) for n, line in enumerate(file) if line.strip())
            skipped, header = next(numbered, (0, ""))
            told = _SEPARATOR_LINE.fullmatch(header)
            if told:
                skipped, header = next(numbered, (0, ""))
            if header.startswith('{"'):
                kind, way = JSON_LINES
                raise InputError(f"{path} is no CSV: it is {kind}; {way}.")
            lines = [header]
            quotes = header.count('"')
            while quotes % 2 and (line := file.readline()):  # a name may have newlines
                lines.append(line)
                quotes += line.count('"')
            delimiter = told[1] if told else _delimiter(path, "".join(lines))
            self.separators = _NAMES[delimiter]
            reader = _csv.reader(chain(lines, file), delimiter=delimiter, strict=True)
            try:
                # A spreadsheet counts records, with the blank ones.
                for self._number, cells in enumerate(reader, skipped + 1):
                    self._line = skipped + reader.line_num
                    if cells:
                        yield cells
            except _csv.Error as exc:
                line = skipped + reader.line_num
                raise InputError(f"{path} line {line} is not CSV: {exc}.") from exc


def _delimiter(path: UPath, header: str) -> str:
    if ".tsv" in path.suffixes:
        return "\t"
    unquoted = re.sub('"[^"]*"', "", header)
    found = max(";\t|", key=unquoted.count)
    return "," if "," in unquoted or found not in unquoted else found
