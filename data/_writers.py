"""One part of the output: rows beside their answers, as CSV, JSON lines or Parquet."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import chain, repeat
from pathlib import Path, PurePosixPath
from typing import Any, Protocol

import msgspec

from ._chunks import Chunk, Chunks
from ._csv_text import csv_column, csv_line
from ._row_meta import RowMeta, meta_columns
from .columns import META, to_jsons, to_texts
from .response_model import Fields

__all__ = ["Writer", "by_column", "open_writer"]

_TEXT_BYTES = 256 << 10
"""As much stays in the processor's cache on its way from a result to the file."""


class Writer(Protocol):
    """Writes rows with their answers to one file."""

    block_bytes: int
    """Result lines to write at once, about: what suits the format."""

    def write(
        self, rows: Chunk, answers: Sequence[Fields], meta: Sequence[RowMeta]
    ) -> None:
        """Append rows, at least one; there is an answer for each."""
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


class _CsvWriter:
    block_bytes = _TEXT_BYTES

    def __init__(
        self, path: Path, rows: Chunks, columns: Mapping[str, str], prefix: str
    ) -> None:
        self._file = path.open("wb")
        self._kinds = [*columns.values(), *META.values()]
        self._columns = [*columns]
        names = [*rows.names, *(prefix + name for name in columns), *META]
        self._file.write(csv_line(names).encode())

    def write(
        self, rows: Chunk, answers: Sequence[Fields], meta: Sequence[RowMeta]
    ) -> None:
        ours = [*by_column(answers, self._columns), *meta_columns(meta)]
        texts = [*rows.texts(), *map(to_texts, self._kinds, ours)]
        lines = zip(*map(csv_column, texts), strict=True)
        self._file.write(b"".join([(",".join(line) + "\n").encode() for line in lines]))

    def close(self) -> None:
        self._file.close()


class _JsonlWriter:
    """Puts the row's own bytes back, with the new keys spliced in at their end."""

    block_bytes = _TEXT_BYTES

    def __init__(self, path: Path, columns: Mapping[str, str], prefix: str) -> None:
        self._file = path.open("wb")
        self._nulls = dict.fromkeys(columns)
        self._prefix = prefix
        self._encode = msgspec.json.Encoder().encode

    def write(
        self, rows: Chunk, answers: Sequence[Fields], meta: Sequence[RowMeta]
    ) -> None:
        fields = [answer or self._nulls for answer in answers]
        if self._prefix:
            fields = [
                {self._prefix + name: value for name, value in each.items()}
                for each in fields
            ]
        heads = [row[:-1] for row in rows.objects()]
        pieces: list[Iterable[bytes]] = [
            heads,
            [b"," if b'"' in head else b"" for head in heads],
        ]
        if self._nulls:
            pieces += [added[1:-1] for added in to_jsons(fields)], repeat(b",")
        pieces += [beside[1:] for beside in map(self._encode, meta)], repeat(b"\n")
        self._file.write(b"".join(chain.from_iterable(zip(*pieces, strict=False))))

    def close(self) -> None:
        self._file.close()
