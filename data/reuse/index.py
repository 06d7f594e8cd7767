"""The index of answers: by the digest of a request, where its answer is.

An Arrow file with 24 bytes for each answer, sorted by digest. It is mapped and not
loaded, and the digests of a million requests are looked up in some milliseconds.
"""

from __future__ import annotations

from array import array
from hashlib import sha256
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

__all__ = [
    "IndexWriter",
    "check_index",
    "keys",
    "numbers",
    "read_index",
    "results_digest",
]

_RESULTS, _OWN, _VERSION = b"results", b"digest", b"version"
_THIS = b"1"
"""Raised where equal requests get other digests, so that indexes are made anew."""
_SCHEMA = pa.schema([(name, pa.uint64()) for name in ("high", "low", "offset")])


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

    def add(self, digest: bytes, offset: int) -> None:
        """Add an answer: the digest of its request, and where its line begins."""
        self._digests += digest
        self._offsets.append(offset)

    def to_bytes(self, results: str | None) -> bytes:
        """Return the index, sorted, as it is in its file.

        `results` is the SHA-256 of the file with the answers, in hex.
        """
        high, low = keys(self._digests)
        offset = numbers(self._offsets, pa.uint64())
        batch = pa.record_batch({"high": high, "low": low, "offset": offset})
        batch = batch.take(pc.sort_indices(high))
        digests = {_RESULTS: (results or "").encode(), _OWN: _digest(batch)}
        batch = batch.replace_schema_metadata({**digests, _VERSION: _THIS})
        sink = pa.BufferOutputStream()
        with pa.ipc.new_file(sink, batch.schema) as file:
            file.write_batch(batch)
        return sink.getvalue().to_pybytes()


def read_index(path: Path) -> pa.RecordBatch:
    """Return the index: `high`, `low` and `offset` of each answer.

    Raises:
        ArrowException: It is damaged, or of another version.
        OSError: The same.
    """
    with pa.memory_map(str(path)) as file:
        index = pa.ipc.open_file(file).get_batch(0)
    index.validate()
    known = index.schema.metadata or {}
    if not index.schema.equals(_SCHEMA) or known.get(_VERSION) != _THIS:
        raise pa.ArrowInvalid("an index of another version")
    return index


def check_index(index: pa.RecordBatch) -> None:
    """Read all of an index.

    Raises:
        ArrowInvalid: It is damaged.
    """
    if index.schema.metadata[_OWN] != _digest(index):
        raise pa.ArrowInvalid("a damaged index")


def results_digest(index: pa.RecordBatch) -> str:
    """Return the SHA-256, in hex, that the file with the answers of an index has."""
    return index.schema.metadata[_RESULTS].decode()


def _digest(index: pa.RecordBatch) -> bytes:
    digest = sha256()
    for column in index.columns:
        data = column.buffers()[1] or b""
        digest.update(memoryview(data)[: 8 * len(column)])
    return digest.hexdigest().encode()
