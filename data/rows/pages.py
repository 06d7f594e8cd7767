"""How much memory the rows of a Parquet file take, known before they are read.

A page of a few bytes can hold a gigabyte, and one value in a dictionary can be that of
every row. Only the headers of pages say how large they are, and pyarrow does not show
them (https://parquet.apache.org/docs/file-format/data-pages/, read 2026-11-28).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from .block import MAX_ROW_BYTES, row_too_large

__all__ = ["BATCH_BYTES", "BATCH_ROWS", "RowGroup", "leaves", "look_at_row_group"]

BATCH_BYTES = 8 << 20
BATCH_ROWS = 8192
_LISTS = (pa.ListArray, pa.LargeListArray, pa.FixedSizeListArray)
_SWELLS = 20
"""Pages that are more than so many times larger than in the file are looked at one by
one, which reads little of the file."""
_DICTIONARY_PAGE = 2
_NUMBERS, _TEXT, _STRUCT = {4, 5, 6}, 8, 12
_SIZES = {1: 0, 2: 0, 3: 1, 7: 8}
"""Types in Thrift's compact protocol, and the bytes of those of a fixed size."""


@dataclass(frozen=True, slots=True)
class RowGroup:
    """How a row group is read in bounded memory."""

    step_rows: int
    """How many rows can be read at once."""
    as_dictionary: frozenset[str] = frozenset()
    """Columns of lists, a single row of which may repeat a large text many times; they
    are read as numbers of their dictionary."""


def look_at_row_group(
    where: str, file: BinaryIO, meta: pq.FileMetaData, number: int, limit: float
) -> RowGroup:
    """Look at the sizes of a row group before it is read.

    Args:
        where: The file's name.
        file: The file.
        meta: Its footer.
        number: That of the row group.
        limit: Bytes of a row, and of all pages of a row, above which it is refused.

    Raises:
        InputError: It cannot be read in bounded memory; the text names the column.
    """
    group = meta.row_group(number)
    rows = group.num_rows
    if not rows:
        return RowGroup(1)
    step_rows = min(BATCH_ROWS, BATCH_BYTES // max(1, group.total_byte_size // rows))
    dictionaries_bytes = row_bytes = 0
    as_dictionary = set()
    for index in range(group.num_columns):
        chunk = group.column(index)
        is_list = meta.schema.column(index).max_repetition_level > 0
        # What repeats in a list takes no space in the file.
        size = max(chunk.total_uncompressed_size, chunk.num_values * 4 * is_list)
        if size // rows > limit:
            raise row_too_large(where, chunk.path_in_schema)
        swells = size > max(limit, _SWELLS * chunk.total_compressed_size)
        if swells and max(each for _, each in _pages(file, chunk)) > limit:
            raise row_too_large(where, chunk.path_in_schema)
        dictionary_bytes = _dictionary_bytes(file, chunk)
        dictionaries_bytes += dictionary_bytes
        repeats = chunk.num_values if is_list else step_rows
        if repeats * dictionary_bytes <= MAX_ROW_BYTES:
            continue
        longest_bytes = _longest_value(file, meta, number, chunk.path_in_schema)
        if not is_list:
            row_bytes += longest_bytes
        elif repeats * longest_bytes > MAX_ROW_BYTES:
            as_dictionary.add(chunk.path_in_schema)
    if dictionaries_bytes > max(limit, _SWELLS * _stored_bytes(group)):
        raise row_too_large(where)
    step_rows = min(step_rows, MAX_ROW_BYTES // max(1, row_bytes))
    return RowGroup(max(1, step_rows), frozenset(as_dictionary))


def _stored_bytes(group: pq.RowGroupMetaData) -> int:
    columns = map(group.column, range(group.num_columns))
    return sum(chunk.total_compressed_size for chunk in columns)


def _dictionary_bytes(file: BinaryIO, chunk: pq.ColumnChunkMetaData) -> int:
    """Return the size of the dictionary of a column of texts; 0 if there is none."""
    if chunk.physical_type != "BYTE_ARRAY":
        return 0
    kind, page_bytes = next(_pages(file, chunk), (0, 0))
    return page_bytes if kind == _DICTIONARY_PAGE else 0


def leaves(column: Any) -> Iterator[Any]:
    """Yield what a column of structs, lists or maps is made of; it is no slice."""
    if isinstance(column, pa.StructArray):
        for part in column.flatten():
            yield from leaves(part)
    elif isinstance(column, pa.MapArray):
        yield from leaves(column.keys)
        yield from leaves(column.items)
    elif isinstance(column, _LISTS):
        yield from leaves(column.flatten())
    else:
        yield column


def _longest_value(
    file: BinaryIO, meta: pq.FileMetaData, number: int, name: str
) -> int:
    """Return the size of the largest value in the dictionary of a column.

    If the first row has no value, pyarrow does not show the dictionary.
    """
    parquet = pq.ParquetFile(
        file, metadata=meta, read_dictionary=[name], pre_buffer=False, buffer_size=1024
    )
    first = next(
        parquet.iter_batches(1, row_groups=[number], columns=[name], use_threads=False)
    )
    lengths = [
        pc.max(pc.binary_length(leaf.dictionary)).as_py()
        for leaf in leaves(first.column(0))
        if pa.types.is_dictionary(leaf.type)
    ]
    return max([each for each in lengths if each is not None], default=MAX_ROW_BYTES)


def _pages(file: BinaryIO, chunk: pq.ColumnChunkMetaData) -> Iterator[tuple[int, int]]:
    """Yield kind and uncompressed size of each page of a column.

    Raises:
        ValueError: The header of a page is damaged.
    """
    offsets = (chunk.dictionary_page_offset, chunk.data_page_offset)
    position = min(filter(None, offsets))
    end = position + chunk.total_compressed_size
    while position < end:
        file.seek(position)
        try:
            header = _struct(file)
            kind, page_bytes, stored_bytes = header[1], header[2], header[3]
        except (LookupError, RecursionError) as exc:
            raise ValueError("the header of a page is damaged") from exc
        yield kind, page_bytes
        position = file.tell() + max(0, stored_bytes)


def _struct(file: BinaryIO) -> dict[int, int]:
    """Read a structure in Thrift's compact protocol; return its whole numbers."""
    numbers: dict[int, int] = {}
    field = 0
    while byte := file.read(1)[0]:
        field = field + (byte >> 4) if byte >> 4 else _number(file)
        kind = byte & 15
        if kind in _NUMBERS:
            numbers[field] = _number(file)
        elif kind == _STRUCT:
            _struct(file)
        else:
            file.seek(_number(file, signed=False) if kind == _TEXT else _SIZES[kind], 1)
    return numbers


def _number(file: BinaryIO, *, signed: bool = True) -> int:
    value = 0
    for shift in range(0, 70, 7):
        byte = file.read(1)[0]
        value |= (byte & 127) << shift
        if byte < 128:  # noqa: PLR2004 - the last byte of the number
            return (value >> 1) ^ -(value & 1) if signed else value
    raise LookupError("a number has no end")
