"""Opens the input: a file, a glob or an fsspec URL, in one of the formats.

A source yields each row in two forms: its values for the prompt, and the record that
is written beside the answer. No type is guessed: cells of CSV and Excel are text, JSON
lines keep their bytes, Parquet keeps its types.
"""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import sha256
from importlib import import_module
from pathlib import Path, PurePosixPath
from typing import Any, Protocol, cast

from upath import UPath

from ...errors import InputError
from ..files import is_url, size_and_digest
from .block import RowBlock
from .kinds import BINARY, TEXT, no_table, read_kind
from .text import COMPRESSIONS

__all__ = ["RowSource", "RowStore", "input_size_and_digest", "open_rows"]

_SOURCES = {
    ".csv": ("csv", "CsvSource"),
    ".tsv": ("csv", "CsvSource"),
    ".jsonl": ("jsonl", "JsonlSource"),
    ".ndjson": ("jsonl", "JsonlSource"),
    ".parquet": ("parquet", "ParquetSource"),
    ".xlsx": ("xlsx", "XlsxSource"),
}
"""Module and class of each input format; only the module that is needed is loaded."""
_TEXTS = {".csv", ".tsv", ".jsonl", ".ndjson"}

_GLOB = frozenset("*?[")


class RowStore(Protocol):
    """Writes the records of one shard to one file."""

    def add(self, records: Any) -> None:
        """Append the records of a block, buffered in bounded memory."""
        ...

    def close(self) -> None:
        """Write what is buffered, and sync the file."""
        ...


class RowSource(Protocol):
    """An input; its rows are read in order and in bounded memory."""

    @property
    def columns(self) -> tuple[str, ...] | None:
        """The names in the header; None if each row has its own (JSON lines)."""
        ...

    @property
    def note(self) -> str | None:
        """What was decided about the input that its name does not say."""
        ...

    @property
    def store_suffix(self) -> str:
        """The suffix of the file that `store` writes."""
        ...

    def blocks(self) -> Iterator[RowBlock]:
        """Yield all rows, block by block.

        Raises:
            InputError: A row that cannot be read; the text names file, line and row.
        """
        ...

    def store(self, path: Path) -> RowStore:
        """Create a file for records of this source."""
        ...


def open_rows(location: str, encoding: str | None = None) -> RowSource:
    """Open the input; headers are read, rows are not yet.

    Args:
        location: A file, a glob or an fsspec URL.
        encoding: Of text files; None for UTF-8, and any that a BOM tells.

    Raises:
        InputError: There is no such file, its format is unknown, or its header is bad.
    """
    files = _expand(location)
    suffixes = {_suffix(file.name) for file in files}
    if len(suffixes) > 1:
        raise InputError(
            f"{location} matches files of different kinds"
            f" ({', '.join(sorted(suffixes))}); name one kind."
        )
    (suffix,) = suffixes
    if suffix not in _SOURCES:
        kind = read_kind(files[0])
        if kind is not None and kind not in {TEXT, BINARY}:
            raise no_table(files[0], kind)
        raise InputError(
            f"{location} is no input: the name of one ends in {', '.join(_SOURCES)},"
            f" with {' or '.join(COMPRESSIONS)} behind it if it is compressed text."
        )
    module, name = _SOURCES[suffix]
    source = getattr(import_module(f".{module}", __package__), name)
    if suffix in _TEXTS:
        return cast("RowSource", source(files, encoding))
    if encoding is not None:
        raise InputError(
            f"{location} is no text file, so it has no encoding; leave --encoding out."
        )
    return cast("RowSource", source(files))


def input_size_and_digest(location: str) -> tuple[int, str | None]:
    """Return size and SHA-256 of an input; of several files, that of their digests.

    Raises:
        InputError: There is no such file.
    """
    found = [size_and_digest(str(file)) for file in _expand(location)]
    if len(found) == 1:
        return found[0]
    digests = [digest for _, digest in found if digest is not None]
    whole = sha256("".join(digests).encode()).hexdigest()
    return sum(size for size, _ in found), whole if digests else None


def _suffix(name: str) -> str:
    """Return the suffix that says the format, without that of a compression."""
    path = PurePosixPath(name.lower())
    return (path.with_suffix("") if path.suffix in COMPRESSIONS else path).suffix


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
            try:
                found = sorted(path.fs.glob(path.path))
            except ValueError as exc:  # `**` beside other characters, or a bad set
                raise InputError(f"{location} is no pattern: {exc}.") from exc
            if found and is_url(location):
                return [UPath(path.fs.unstrip_protocol(name)) for name in found]
            if found:
                return [UPath(name) for name in found]
            raise InputError(f"No file matches {location}; check the pattern.")
    except (OSError, ImportError) as exc:
        raise InputError(
            f"{location} cannot be read: {exc}. Check the name and the access to its"
            " storage."
        ) from exc
    raise InputError(f"There is no file {location}; check the input's name.")
