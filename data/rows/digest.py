"""A digest of rows that is the same wherever they come from in equal parts.

How rows are divided into batches, what is in memory behind a null, and how a library
writes files do not change it, so that the same rows are known again in years.
"""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import sha256
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from .values import python_values

__all__ = ["RowsDigest"]

_LISTS = (pa.ListArray, pa.LargeListArray, pa.FixedSizeListArray)
_TEXTS = (pa.StringArray, pa.LargeStringArray, pa.BinaryArray, pa.LargeBinaryArray)


class RowsDigest:
    """Adds up rows, batch by batch."""

    def __init__(self, schema: pa.Schema, *also: str) -> None:
        """Begin with the columns' names and types, and texts that count as well."""
        self._names = schema.names
        self._first = repr([*also, *((each.name, str(each.type)) for each in schema)])
        self._streams: dict[str, Any] = {}

    def add(self, batch: pa.RecordBatch) -> None:
        """Add rows."""
        for index, column in enumerate(batch.columns):
            for name, data in _streams(column):
                self._streams.setdefault(f"{index}{name}", sha256()).update(data)

    def hexdigest(self) -> str:
        """Return the SHA-256 of all rows so far, in hex."""
        found = {name: each.hexdigest() for name, each in self._streams.items()}
        return sha256((self._first + repr(sorted(found.items()))).encode()).hexdigest()


def _streams(array: Any) -> Iterator[tuple[str, Any]]:
    """Yield what a column consists of, each part with its name.

    The parts of consecutive batches, one after the other, are those of all their rows.
    """
    if isinstance(array, pa.ExtensionArray):
        array = array.storage
    if isinstance(array, pa.DictionaryArray):
        array = array.dictionary_decode()
    yield "?", _bytes(array.is_valid().cast(pa.uint8()))
    array = array.drop_null()
    if isinstance(array, pa.StructArray):
        for index, part in enumerate(array.flatten()):
            yield from _within(f".{index}", part)
    elif isinstance(array, _LISTS) and not isinstance(array, pa.MapArray):
        yield "#", _bytes(pc.list_value_length(array).cast(pa.int64()))
        yield from _within("[]", array.flatten())
    elif isinstance(array, _TEXTS):
        yield "#", _bytes(pc.binary_length(array).cast(pa.int64()))
        yield "=", _text_bytes(array.cast(pa.large_binary()))
    else:
        yield "=", _values(array)


def _within(name: str, array: Any) -> Iterator[tuple[str, Any]]:
    return ((name + each, data) for each, data in _streams(array))


def _values(array: Any) -> Any:
    """Return the values of an array without nulls."""
    if isinstance(array, pa.BooleanArray):
        return _bytes(array.cast(pa.uint8()))
    if pa.types.is_primitive(array.type) or pa.types.is_decimal(array.type):
        return _bytes(array)
    return "".join(f"{value!r}\n" for value in python_values(array)).encode()


def _bytes(array: Any) -> Any:
    """Return the values of an array without nulls whose values have a fixed size."""
    width = array.type.bit_width // 8
    start = array.offset * width
    values = array.buffers()[1]
    return b"" if values is None else memoryview(values)[start:][: len(array) * width]


def _text_bytes(array: Any) -> Any:
    """Return the texts of an array without nulls, one after the other."""
    if not len(array):
        return b""
    _, offsets, texts = array.buffers()
    ends = memoryview(offsets).cast("q")[array.offset :]
    return memoryview(texts)[ends[0] : ends[len(array)]] if texts else b""
