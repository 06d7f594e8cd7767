"""The parts of an output, read back column by column."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import msgspec

from ..rows.csv import csv_reader

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["PartBlock", "read_part"]

_BYTES = 1 << 20
_CELL_BYTES = 50


class PartBlock(Protocol):
    """Consecutive rows of a part."""

    names: Sequence[str]

    def column(self, name: str, rows: Sequence[int] | None = None) -> list[Any]:
        """Return the values of all rows, or of these; texts where the part is CSV."""
        ...


def read_part(path: Path) -> Iterator[PartBlock]:
    """Yield all rows of a part, in blocks."""
    read = {".csv": _read_csv, ".arrow": _read_arrow}.get(path.suffix, _read_jsonl)
    return read(path)


class _Rows:
    def __init__(self, rows: list[dict[str, Any]]) -> None:
        self.names: Sequence[str] = tuple(rows[0])
        self._rows = rows

    def column(self, name: str, rows: Sequence[int] | None = None) -> list[Any]:
        chosen = self._rows if rows is None else [self._rows[row] for row in rows]
        return [row.get(name) for row in chosen]


def _read_csv(path: Path) -> Iterator[PartBlock]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        lines = csv_reader(file)
        names = next(lines)
        rows, size = [], 0
        for cells in lines:
            rows.append(dict(zip(names, cells, strict=True)))
            size += _CELL_BYTES * len(cells) + sum(map(len, cells))
            if size > _BYTES:
                yield _Rows(rows)
                rows, size = [], 0
        if rows:
            yield _Rows(rows)


def _read_jsonl(path: Path) -> Iterator[PartBlock]:
    with path.open("rb") as file:
        while lines := file.readlines(_BYTES):
            yield _Rows([*map(msgspec.json.decode, lines)])


class _Batch:
    def __init__(self, batch: pa.RecordBatch) -> None:
        self.names: Sequence[str] = batch.schema.names
        self._batch = batch

    def column(self, name: str, rows: Sequence[int] | None = None) -> list[Any]:
        import pyarrow as pa  # noqa: PLC0415 - takes 100 MB

        from ..rows.values import python_values  # noqa: PLC0415 - imports pyarrow

        column = self._batch.column(name)
        return python_values(column if rows is None else column.take(pa.array(rows)))


def _read_arrow(path: Path) -> Iterator[PartBlock]:
    import pyarrow as pa  # noqa: PLC0415 - takes 100 MB

    with pa.OSFile(str(path), "rb") as file, pa.ipc.open_stream(file) as batches:
        yield from map(_Batch, batches)
