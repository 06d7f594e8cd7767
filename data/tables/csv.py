"""CSV from cells that are text already.

The standard library's writer looks at each character by itself. Where cells are texts
of models, that would be a third of the time that a join takes.
"""

from __future__ import annotations

import csv
import shutil
from codecs import BOM_UTF8 as BOM
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain, repeat
from pathlib import Path
from typing import Any

from ..answers.response_model import Fields
from ..columns import (
    RESULT_COLUMNS,
    by_column,
    to_json_lines,
    to_texts,
)
from ..results.long_lines import LONG
from ..results.reader import BLOCK_BYTES
from ..results.store import Piece, Store
from ..rows.kept import Chunk, Chunks

__all__ = ["CsvTable", "concat_csv"]

_SPECIAL = '",\n\r'
_RAW = [*RESULT_COLUMNS].index("_raw")
_QUOTE, _TWO = '"', '""'

_UNIFORM = frozenset({str, type(None)})
"""Of other types, values may be equal and not look alike: `1` and `1.0`."""


class CsvTable:
    """Cells of the rows, then those of their answers."""

    encode_bytes = write_bytes = BLOCK_BYTES

    def __init__(
        self,
        path: Path,
        rows: Chunks,
        columns: Mapping[str, str],
        prefix: str,
        ours: Mapping[str, str],
    ) -> None:
        """Begin the file with its header."""
        self._file = path.open("wb")
        self._columns = columns
        self._ours = ours
        answers = [prefix + name for name in columns]
        names = [*rows.names, *answers, *RESULT_COLUMNS, *ours]
        if rows.has_bom:
            self._file.write(BOM)  # Excel reads UTF-8 only with it
        self._file.write(_line(names))

    def keep(self, store: Store) -> Store:
        """Return the store: of each result it keeps the end of a line."""
        return store

    def encode(
        self, answers: list[Fields], columns: Mapping[str, list[Any]]
    ) -> list[bytes]:
        """Return the cells of each answer and its result."""
        gaps = [index for index, answer in enumerate(answers) if not answer]
        values = by_column([each for each in answers if each], self._columns)
        answers.clear()
        cells = [[*_cells(kind, values.pop(0))] for kind in self._columns.values()]
        for index in gaps:
            for column in cells:
                column.insert(index, "")
        long = _taken(columns["_raw"])
        ours = [[*_cells(kind, columns[name])] for name, kind in RESULT_COLUMNS.items()]
        for index in [*long]:
            ours[_RAW][index] = _quoted(long.pop(index))
        return _joined([*cells, *ours])

    def write(
        self,
        rows: Chunk,
        encoded: Sequence[Piece],
        columns: Mapping[str, Sequence[Any]],
    ) -> None:
        """Append lines."""
        # An empty cell at either end makes the comma between the pieces.
        empty = [""] * len(encoded)
        ours = [_cells(kind, columns[name]) for name, kind in self._ours.items()]
        pieces = [encoded, _joined([empty, *ours])]
        if texts := rows.texts():
            pieces.insert(0, _joined([*map(_column, texts), empty]))
        lines = zip(*pieces, repeat(b"\n"), strict=False)
        self._file.write(b"".join(chain.from_iterable(lines)))

    def close(self) -> None:
        """Finish the file."""
        self._file.close()


def concat_csv(parts: Iterable[Path], target: Path) -> None:
    """Write the lines of all parts under one header."""
    with target.open("wb") as file:
        for number, path in enumerate(parts):
            with path.open("rb") as part:
                if number > 0:
                    part.seek(_header_bytes(path))
                shutil.copyfileobj(part, file, 1 << 20)


def _header_bytes(path: Path) -> int:
    """Return how long the header is; a column's name may contain a newline."""
    with path.open("rb") as file:
        start = len(BOM) if file.read(len(BOM)) == BOM else 0
    with path.open("r", encoding="utf-8-sig", newline="") as text:
        return start + len(_line(next(csv.reader(text, strict=True))))


def _cells(kind: str, values: Sequence[Any]) -> Sequence[Any]:
    if len(values) > 1 and _is_uniform(values):
        return [*_cells(kind, values[:1])] * len(values)
    if kind == "json" and None not in values:
        return _jsons(to_json_lines(values))
    return _column(to_texts(kind, values))


def _is_uniform(values: Sequence[Any]) -> bool:
    """Whether all are one text or null, as in most columns after the answers."""
    first, last = values[0], values[-1]
    if type(first) not in _UNIFORM or first != last:
        return False
    return values.count(first) == len(values)


def _joined(columns: Sequence[Sequence[Any]]) -> list[bytes]:
    try:
        return [",".join(line).encode() for line in zip(*columns, strict=True)]
    except TypeError:  # a long cell is bytes
        return [b",".join(map(_encoded, line)) for line in zip(*columns, strict=True)]


def _encoded(cell: str | bytes) -> bytes:
    return cell if isinstance(cell, bytes) else cell.encode()


def _taken(raws: list[Any]) -> dict[int, bytes]:
    """Return long texts by their index, and leave nulls in their places."""
    long = {index: raw for index, raw in enumerate(raws) if type(raw) is bytes}
    for index in long:
        raws[index] = None
    return long


def _long(cell: str) -> str | bytes:
    return _quoted(cell.encode()) if len(cell) > LONG else _column([cell])[0]


def _quoted(raw: bytes) -> bytes:
    """Return a long cell, quoted if it must be."""
    if not any(mark in raw for mark in (b'"', b",", b"\n", b"\r")):
        return raw
    raw = raw.replace(b'"', b'""')
    return b'"%b"' % raw


def _line(cells: Sequence[str]) -> bytes:
    return b",".join(map(_encoded, _column(cells))) + b"\n"


def _column(cells: Sequence[str]) -> Sequence[Any]:
    """Return the cells, quoted where they must be; long ones are UTF-8."""
    # All cells are searched together first, because most columns have few of these.
    whole = "".join(cells)
    if len(whole) > LONG and max(map(len, cells)) > LONG:
        del whole
        return [*map(_long, cells)]
    found = [*filter(whole.__contains__, _SPECIAL)]
    if not found:
        return cells
    if found == [","]:
        return [f'"{cell}"' if "," in cell else cell for cell in cells]
    return [
        f'"{cell.replace(_QUOTE, _TWO)}"'
        if _QUOTE in cell
        else f'"{cell}"'
        if "," in cell or "\n" in cell or "\r" in cell
        else cell
        for cell in cells
    ]


def _jsons(lines: bytes) -> Sequence[str]:
    """Return JSON lines as cells, all of them quoted."""
    whole = lines.replace(b'"', b'""').replace(b"\n", b'"\n"')
    return (b'"' + whole).decode().split("\n")[:-1]
