"""One part of the output: rows beside their answers, as CSV, JSON lines or Parquet."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import chain, repeat
from pathlib import Path, PurePosixPath
from typing import Any, Protocol

import msgspec

from ._chunks import Chunk, Chunks
from ._csv_text import csv_column, csv_line
from ._piles import Pile, TextPile
from ._row_meta import RowMeta, meta_columns
from .columns import META, to_jsons, to_texts
from .response_model import Fields

__all__ = ["Writer", "by_column", "lay_out", "open_writer"]

_TEXT_BYTES = 256 << 10
"""As much stays in the processor's cache on its way from a result to the file."""


class Writer(Protocol):
    """Writes rows with their answers to one file."""

    block_bytes: int
    """Result lines to write at once, about: what suits the format."""

    def answers(self) -> Pile:
        """Return where `Fields` are laid out for this file."""
        ...

    def metas(self) -> Pile:
        """Return where `RowMeta` are laid out for this file."""
        ...

    def write(self, rows: Chunk, answers: Any, metas: Any) -> None:
        """Append rows, at least one, with what was taken from the piles for each."""
        ...

    def close(self) -> None:
        """Finish the file."""
        ...


def open_writer(
    path: Path, rows: Chunks, columns: Mapping[str, str], prefix: str
) -> Writer:
    """Begin a file in the format of its suffix; `columns` are the answer's kinds."""
    suffix = PurePosixPath(path.name).suffix.lower()
    if suffix == ".parquet":
        from ._parquet_writer import (  # noqa: PLC0415 - pyarrow takes 100 MB
            ParquetWriter,
        )

        return ParquetWriter(path, rows, columns, prefix)
    if suffix == ".csv":
        return _CsvWriter(path, rows, columns, prefix)
    return _JsonlWriter(path, columns, prefix)


def by_column(answers: Sequence[Fields], columns: Iterable[str]) -> list[list[Any]]:
    """Return the columns; a row without a valid answer is null in each."""
    nulls = dict.fromkeys(columns)
    rows = [answer or nulls for answer in answers]
    return [[row[name] for row in rows] for name in nulls]


def lay_out(
    writer: Writer, answers: Sequence[Fields], meta: Sequence[RowMeta]
) -> tuple[Any, Any]:
    """Return what `write` takes, for rows whose turn it is already."""
    piles = writer.answers(), writer.metas()
    for pile, values in zip(piles, (answers, meta), strict=True):
        pile.add(values)
    return piles[0].take(range(len(answers))), piles[1].take(range(len(meta)))


class _CsvWriter:
    block_bytes = _TEXT_BYTES

    def __init__(
        self, path: Path, rows: Chunks, columns: Mapping[str, str], prefix: str
    ) -> None:
        self._file = path.open("wb")
        self._columns = columns
        names = [*rows.names, *(prefix + name for name in columns), *META]
        self._file.write(csv_line(names).encode())

    def answers(self) -> TextPile:
        kinds = self._columns.values()
        nothing = b"," * (len(self._columns) - 1)

        def cells(answers: Sequence[Fields]) -> list[bytes]:
            good = [each for each in answers if each is not None]
            values = by_column(good, self._columns)
            lines = _joined(map(_cells, kinds, values), len(good))
            if len(good) < len(answers):
                for index, each in enumerate(answers):
                    if each is None:
                        lines.insert(index, nothing)
            return lines

        return TextPile(cells)

    def metas(self) -> TextPile:
        def cells(meta: Sequence[RowMeta]) -> list[bytes]:
            return _joined(map(_cells, META.values(), meta_columns(meta)), len(meta))

        return TextPile(cells)

    def write(
        self, rows: Chunk, answers: Sequence[bytes], metas: Sequence[bytes]
    ) -> None:
        pieces: list[Iterable[bytes]] = []
        if texts := rows.texts():
            pieces += _joined(map(csv_column, texts), len(rows)), repeat(b",")
        if self._columns:
            pieces += answers, repeat(b",")
        pieces += metas, repeat(b"\n")
        self._file.write(b"".join(chain.from_iterable(zip(*pieces, strict=False))))

    def close(self) -> None:
        self._file.close()


def _cells(kind: str, values: Sequence[Any]) -> Sequence[str]:
    return csv_column(to_texts(kind, values))


def _joined(columns: Iterable[Sequence[str]], rows: int) -> list[bytes]:
    lines = zip(*columns, strict=True)
    return [",".join(line).encode() for line in lines] or [b""] * rows


class _JsonlWriter:
    """Puts the row's own bytes back, with the new keys spliced in at their end."""

    block_bytes = _TEXT_BYTES

    def __init__(self, path: Path, columns: Mapping[str, str], prefix: str) -> None:
        self._file = path.open("wb")
        self._nulls = dict.fromkeys(columns)
        self._prefix = prefix

    def answers(self) -> TextPile:
        def members(answers: Sequence[Fields]) -> list[bytes]:
            fields = [answer or self._nulls for answer in answers]
            if self._prefix:
                fields = [
                    {self._prefix + name: value for name, value in each.items()}
                    for each in fields
                ]
            return [added[1:-1] for added in to_jsons(fields)]

        return TextPile(members)

    def metas(self) -> TextPile:
        encode = msgspec.json.Encoder().encode
        return TextPile(lambda meta: [row[1:] for row in map(encode, meta)])

    def write(
        self, rows: Chunk, answers: Sequence[bytes], metas: Sequence[bytes]
    ) -> None:
        heads = [row[:-1] for row in rows.objects()]
        pieces: list[Iterable[bytes]] = [
            heads,
            [b"," if b'"' in head else b"" for head in heads],
        ]
        if self._nulls:
            pieces += answers, repeat(b",")
        pieces += metas, repeat(b"\n")
        self._file.write(b"".join(chain.from_iterable(zip(*pieces, strict=False))))

    def close(self) -> None:
        self._file.close()
