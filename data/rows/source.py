"""The user's rows, streamed from whatever holds them.

A source yields each row twice over: as values for the prompt, and as the record
that is put back beside the answer. No type is guessed: CSV cells are text, JSON
lines keep their bytes, Parquet keeps its types.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any, Protocol

from upath import UPath

from ...errors import InputError
from .block import RowBlock
from .csv import CsvSource
from .jsonl import JsonlSource

__all__ = ["RowSource", "RowStore", "is_url", "open_rows"]

_GLOB = frozenset("*?[")
_SUFFIXES = (".csv", ".jsonl", ".ndjson", ".parquet")


class RowStore(Protocol):
    """Keeps the records of one shard in one file."""

    def add(self, records: Any) -> None:
        """Append the records of a block; buffered, in bounded memory."""
        ...

    def close(self) -> None:
        """Write what is buffered, and sync."""
        ...


class RowSource(Protocol):
    """Rows in input order, in bounded memory."""

    @property
    def columns(self) -> tuple[str, ...] | None:
        """None where each row has its own (JSON lines)."""
        ...

    @property
    def rows_name(self) -> str:
        """How the file of `store` is called."""
        ...

    def blocks(self) -> Iterator[RowBlock]:
        """Yield all rows, some at a time.

        Raises:
            InputError: What is no row; the text names file, line and row.
        """
        ...

    def store(self, path: Path) -> RowStore:
        """Return a new file for records of this source."""
        ...


def is_url(text: str) -> bool:
    """Whether `text` names something behind an fsspec URL such as `s3://...`."""
    return "://" in text


def open_rows(location: str) -> RowSource:
    """Open a file, a glob or an fsspec URL; headers are read, rows are not yet.

    Raises:
        InputError: Nothing there, an unknown kind of file, or a bad header.
    """
    files = _expand(location)
    suffixes = {PurePosixPath(file.name).suffix.lower() for file in files}
    if len(suffixes) > 1:
        raise InputError(
            f"{location} matches files of different kinds"
            f" ({', '.join(sorted(suffixes))}); name one kind."
        )
    (suffix,) = suffixes
    if suffix == ".csv":
        return CsvSource(files)
    if suffix in {".jsonl", ".ndjson"}:
        return JsonlSource(files)
    if suffix == ".parquet":
        from .parquet import (  # noqa: PLC0415 - pyarrow takes 100 MB
            ParquetSource,
        )

        return ParquetSource(files)
    raise InputError(
        f"{location} is no input: the name of one ends in {', '.join(_SUFFIXES)}."
        " Convert it, or rename it if it is one of these."
    )


def _expand(location: str) -> list[UPath]:
    path = UPath(location)
    try:
        if path.is_file():
            return [path]
        if path.is_dir():
            raise InputError(f"{location} is a folder; name a file or a glob in it.")
        if path.exists():
            raise InputError(
                f"{location} is a pipe or a device, which cannot be read again after"
                " a crash; write its rows to a file first."
            )
        if not _GLOB.isdisjoint(location):
            found = sorted(path.fs.glob(path.path))
            if found and is_url(location):
                return [UPath(path.fs.unstrip_protocol(name)) for name in found]
            if found:
                return [UPath(name) for name in found]
            raise InputError(f"No file matches {location}; check the pattern.")
    except (OSError, ImportError) as exc:
        raise InputError(
            f"{location} cannot be read: {exc}. Check the name, and what its storage"
            " asks for."
        ) from exc
    raise InputError(f"There is no file {location}; check the input's name.")
