"""Formats of tables, by their suffix."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple, Protocol

from ..answers.response_model import Fields
from ..results.store import Store
from ..rows.kept import Chunk, Chunks

__all__ = [
    "OUTPUT_SUFFIXES",
    "Encoded",
    "Format",
    "Table",
    "part_name",
    "table_format",
]


class Encoded(Protocol):
    """Results as a table encodes them, numbered from 0 as they are appended."""

    def append(self, encoded: Any) -> None:
        """Append what `Table.encode` returned."""
        ...

    def take(self, numbers: Sequence[int]) -> Any:
        """Return the results of these numbers, in this order, as `write` takes them."""
        ...


class Table(Protocol):
    """A file of rows with their answers."""

    encode_bytes: int
    """Result lines to encode at once, about."""
    write_bytes: int
    """Result lines to write at once, about."""

    def encode(self, answers: list[Fields], columns: Mapping[str, list[Any]]) -> Any:
        """Return answers, at least one, and their `RESULT_COLUMNS` as they are written.

        The lists may be empty afterwards: of long texts there is no copy too many.
        """
        ...

    def keep(self, store: Store) -> Encoded:
        """Return encoded results that are kept in a store."""
        ...

    def write(
        self, rows: Chunk, encoded: Any, columns: Mapping[str, Sequence[Any]]
    ) -> None:
        """Append rows, at least one, with encoded results and the columns of a row."""
        ...

    def close(self) -> None:
        """Finish the file."""
        ...


class Format(NamedTuple):
    """How a format is written."""

    open: Callable[[Path, Chunks, Mapping[str, str], str, Mapping[str, str]], Table]
    """From path, rows, the kinds of the answer's columns and their prefix, and those of
    the columns that are written of a row."""
    concat: Callable[[Iterable[Path], Path], None]
    """Write parts, one after the other, to a new file."""


def _csv() -> Format:
    from .csv import CsvTable, concat_csv  # noqa: PLC0415 - only what is needed

    return Format(CsvTable, concat_csv)


def _jsonl() -> Format:
    from .jsonl import JsonlTable, concat_jsonl  # noqa: PLC0415 - only what is needed

    return Format(JsonlTable, concat_jsonl)


def _arrow() -> Format:
    from .arrow import ArrowTable, concat_parquet  # noqa: PLC0415 - pyarrow is 100 MB

    return Format(ArrowTable, concat_parquet)


_FORMATS = {
    ".arrow": _arrow,
    ".csv": _csv,
    ".jsonl": _jsonl,
    ".ndjson": _jsonl,
    ".parquet": _arrow,
}
_PARTS = {".parquet": ".arrow"}
"""Parquet is encoded and compressed once, when all parts are there."""

OUTPUT_SUFFIXES = (".parquet", ".csv", ".jsonl", ".ndjson")


def table_format(path: str | Path) -> Format:
    """Return the format of a part or of an output."""
    return _FORMATS[_suffix(path)]()


def part_name(output: str) -> str:
    """Return the name of the parts that become this output, a path or a URL."""
    suffix = _suffix(output)
    return "part" + _PARTS.get(suffix, suffix)


def _suffix(path: str | Path) -> str:
    return PurePosixPath(path).suffix.lower()
