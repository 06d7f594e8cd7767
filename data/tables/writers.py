"""One part of the output: rows beside their answers, as CSV, JSON lines or Parquet."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import chain, repeat
from pathlib import Path, PurePosixPath
from typing import Any, Protocol

import msgspec

from ..answers.response_model import Fields
from ..columns import META, to_json_lines, to_jsons, to_texts
from ..results.piles import Laid, Pile, TextPile
from ..results.row_meta import RowMetas
from ..rows.kept import Chunk, Chunks
from .csv_text import csv_column, csv_jsons, csv_line

__all__ = ["Writer", "by_column", "lay_out", "open_writer"]

_TEXT_BYTES = 256 << 10
"""As much stays in the processor's cache on its way from a result to the file."""

_UNIFORM = frozenset({str, type(None)})
"""Of other types, values may be equal and not look alike: `1` and `1.0`."""


class Writer(Protocol):
    """Writes rows with their answers to one file."""

    block_bytes: int
    """Result lines to write at once, about: what suits the format."""

    def pile(self) -> Pile:
        """Return where answers are laid out for this file."""
        ...

    def write(self, rows: Chunk, answers: Any) -> None:
        """Append rows, at least one, with what was taken from a pile for each."""
        ...

    def close(self) -> None:
        """Finish the file."""
        ...


def open_writer(
    path: Path, rows: Chunks, columns: Mapping[str, str], prefix: str
) -> Writer:
    """Begin a file in the format of its suffix; `columns` are the answer's kinds."""
    suffix = PurePosixPath(path.name).suffix.lower()
    if suffix in {".arrow", ".parquet"}:
        from .arrow_writer import ArrowWriter  # noqa: PLC0415 - pyarrow takes 100 MB

        return ArrowWriter(path, rows, columns, prefix)
    if suffix == ".csv":
        return _CsvWriter(path, rows, columns, prefix)
    return _JsonlWriter(path, columns, prefix)


def by_column(answers: Sequence[Fields], columns: Iterable[str]) -> list[Sequence[Any]]:
    """Return the columns; a row without a valid answer is null in each."""
    nulls = dict.fromkeys(columns)
    rows = [(answer or nulls).values() for answer in answers]
    return [*zip(*rows, strict=True)] if rows else [()] * len(nulls)


def lay_out(writer: Writer, answers: Sequence[Fields], meta: RowMetas) -> Laid:
    """Return what `write` takes, for rows whose turn it is already."""
    pile = writer.pile()
    pile.add(answers, meta)
    return Laid(pile.take(range(len(meta))), len(meta))


class _CsvWriter:
    block_bytes = _TEXT_BYTES

    def __init__(
        self, path: Path, rows: Chunks, columns: Mapping[str, str], prefix: str
    ) -> None:
        self._file = path.open("wb")
        self._columns = columns
        names = [*rows.names, *(prefix + name for name in columns), *META]
        self._file.write(csv_line(names).encode())

    def pile(self) -> TextPile:
        return TextPile(self._lines)

    def write(self, rows: Chunk, answers: Sequence[bytes]) -> None:
        pieces: list[Iterable[bytes]] = [answers, repeat(b"\n")]
        if texts := rows.texts():
            pieces = [_joined(map(csv_column, texts)), repeat(b","), *pieces]
        self._file.write(b"".join(chain.from_iterable(zip(*pieces, strict=False))))

    def close(self) -> None:
        self._file.close()

    def _lines(self, answers: Sequence[Fields], meta: RowMetas) -> Iterable[bytes]:
        values = by_column(
            [each for each in answers if each is not None], self._columns
        )
        columns = [*map(_cells, self._columns.values(), values)]
        if None in answers:
            gaps = [index for index, each in enumerate(answers) if each is None]
            columns = [_with_gaps(cells, gaps) for cells in columns]
        columns += map(_cells, META.values(), meta.columns())
        return _joined(columns)


def _cells(kind: str, values: Sequence[Any]) -> Sequence[str]:
    if len(values) > 1 and _is_uniform(values):
        return [*_cells(kind, values[:1])] * len(values)
    if kind == "json" and None not in values:
        return csv_jsons(to_json_lines(values))
    return csv_column(to_texts(kind, values))


def _is_uniform(values: Sequence[Any]) -> bool:
    """Whether all are one text or null, as in most columns beside the answers."""
    first = values[0]
    return type(first) in _UNIFORM and values.count(first) == len(values)


def _with_gaps(cells: Iterable[str], gaps: Iterable[int]) -> list[str]:
    filled = [*cells]
    for index in gaps:
        filled.insert(index, "")
    return filled


def _joined(columns: Iterable[Sequence[str]]) -> list[bytes]:
    return [",".join(line).encode() for line in zip(*columns, strict=True)]


class _JsonlWriter:
    """Puts the row's own bytes back, with the new keys spliced in at their end."""

    block_bytes = _TEXT_BYTES

    def __init__(self, path: Path, columns: Mapping[str, str], prefix: str) -> None:
        self._file = path.open("wb")
        self._nulls = dict.fromkeys(columns)
        self._prefix = prefix

    def pile(self) -> TextPile:
        return TextPile(self._members)

    def write(self, rows: Chunk, answers: Sequence[bytes]) -> None:
        heads = [row[:-1] for row in rows.objects()]
        commas = [b"," if b'"' in head else b"" for head in heads]
        pieces = zip(heads, commas, answers, repeat(b"\n"), strict=False)
        self._file.write(b"".join(chain.from_iterable(pieces)))

    def close(self) -> None:
        self._file.close()

    def _members(self, answers: Sequence[Fields], meta: RowMetas) -> Iterable[bytes]:
        beside = [row[1:] for row in map(_encode_meta, meta)]
        if not self._nulls:
            return beside
        fields = [answer or self._nulls for answer in answers]
        if self._prefix:
            fields = [
                {self._prefix + name: value for name, value in each.items()}
                for each in fields
            ]
        return [
            b"%b,%b" % (added[1:-1], own)
            for added, own in zip(to_jsons(fields), beside, strict=True)
        ]


_encode_meta = msgspec.json.Encoder().encode
