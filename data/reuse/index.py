"""The index of answers: by the digest of a request, where its answer is.

An Arrow file with 28 bytes for each answer, sorted by digest. It is mapped and not
loaded, and the digests of a million requests are looked up in some milliseconds.
"""

from __future__ import annotations

from array import array
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

__all__ = ["IndexWriter", "keys", "numbers", "read_index"]

_HIGH, _LOW = "high", "low"


def numbers(data: Any, kind: pa.DataType) -> pa.Array[Any]:
    """Return the numbers in a buffer as an array; nothing is copied."""
    buffer = pa.py_buffer(memoryview(data).cast("B"))
    return pa.Array.from_buffers(
        kind, len(buffer) * 8 // kind.bit_width, [None, buffer]
    )


def keys(digests: bytes | bytearray) -> tuple[pa.Array[Any], pa.Array[Any]]:
    """Return both halves of each digest as numbers."""
    halves = pa.FixedSizeListArray.from_arrays(numbers(digests, pa.uint64()), 2)
    return pc.list_element(halves, 0), pc.list_element(halves, 1)


class IndexWriter:
    """Collects answers, and writes their index."""

    def __init__(self) -> None:
        self._digests = bytearray()
        self._offsets = array("Q")
        self._rows = array("I")

    def add(self, digest: bytes, offset: int, row: int) -> None:
        """Add an answer.

        Args:
            digest: Of its request.
            offset: Of its line in the file of results.
            row: In the `custom_id` of the line.
        """
        self._digests += digest
        self._offsets.append(offset)
        self._rows.append(row)

    def to_bytes(self) -> bytes:
        """Return the index, sorted, as it is in its file."""
        high, low = keys(self._digests)
        columns = {
            _HIGH: high,
            _LOW: low,
            "offset": numbers(self._offsets, pa.uint64()),
            "row": numbers(self._rows, pa.uint32()),
        }
        batch = pa.record_batch(columns)
        batch = batch.take(pc.sort_indices(high))
        sink = pa.BufferOutputStream()
        with pa.ipc.new_file(sink, batch.schema) as file:
            file.write_batch(batch)
        return sink.getvalue().to_pybytes()


def read_index(path: Path) -> pa.RecordBatch:
    """Return the index: `high`, `low`, `offset` and `row` of each answer.

    Raises:
        ArrowInvalid: It is damaged.
    """
    return pa.ipc.open_file(pa.memory_map(str(path))).get_batch(0)
