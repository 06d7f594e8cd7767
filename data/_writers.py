"""One part of the output: rows beside their answers, as CSV, JSON lines or Parquet."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, Protocol

from ..models import Outcome
from ._chunks import Chunk, Chunks
from ._csv_line import csv_line
from .columns import META, to_json, to_text

__all__ = ["RowAnswer", "Writer", "open_writer"]


@dataclass(slots=True)
class RowAnswer:
    """What is written beside one input row."""

    custom_id: str
    outcome: Outcome
    fields: Mapping[str, Any] | None = None
    error: str | None = None
    raw: str | None = None
    batch_id: str | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None
    cost_usd: float | None = None

    def meta(self) -> tuple[Any, ...]:
        """Return the values of the `META` columns."""
        return (
            str(self.outcome),
            self.error,
            self.raw,
            self.custom_id,
            self.batch_id,
            self.input_tokens,
            self.output_tokens,
            self.cost_usd,
        )


class Writer(Protocol):
    """Writes rows with their answers to one file."""

    def write(self, rows: Chunk, answers: Sequence[RowAnswer]) -> None:
        """Append rows; there is one answer for each."""
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


class _CsvWriter:
    def __init__(
        self, path: Path, rows: Chunks, columns: Mapping[str, str], prefix: str
    ) -> None:
        self._file = path.open("w", encoding="utf-8", newline="", buffering=1 << 20)
        self._columns = columns
        self._kinds = [*columns.values(), *META.values()]
        names = [*rows.names, *(prefix + name for name in columns), *META]
        self._file.write(csv_line(names))

    def write(self, rows: Chunk, answers: Sequence[RowAnswer]) -> None:
        for cells, answer in zip(rows.cells(), answers, strict=True):
            fields = answer.fields or {}
            values = [*map(fields.get, self._columns), *answer.meta()]
            texts = map(to_text, self._kinds, values)
            self._file.write(csv_line([*cells, *texts]))

    def close(self) -> None:
        self._file.close()


class _JsonlWriter:
    """Puts the row's own bytes back, with the new keys spliced in at their end."""

    def __init__(self, path: Path, columns: Mapping[str, str], prefix: str) -> None:
        self._file = path.open("wb", buffering=1 << 20)
        self._names = {name: prefix + name for name in columns}

    def write(self, rows: Chunk, answers: Sequence[RowAnswer]) -> None:
        for row, answer in zip(rows.objects(), answers, strict=True):
            fields = answer.fields or {}
            added = {full: fields.get(name) for name, full in self._names.items()}
            added.update(zip(META, answer.meta(), strict=True))
            head = row[:-1].rstrip()
            comma = b"" if head == b"{" else b","
            self._file.write(head + comma + to_json(added)[1:] + b"\n")

    def close(self) -> None:
        self._file.close()
