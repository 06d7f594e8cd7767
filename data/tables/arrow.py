"""Arrow's batches, and from them Parquet."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from ..answers.response_model import Fields
from ..arrow import POOL, to_array, to_fields
from ..columns import RESULT_COLUMNS, by_column
from ..results.store import Store
from ..rows.kept import Chunk, Chunks

__all__ = ["ArrowTable", "concat_parquet"]

_GROUP_BYTES = 12 << 20
_GROUP_ROWS = 1 << 16
_LONG_TEXT_BYTES = 16 << 10
"""On average."""


class ArrowTable:
    """Input columns keep their types; the answer's come from its schema."""

    encode_bytes = 4 << 20
    """Arrow's arrays are slow to make and quick to fill."""
    write_bytes = 8 << 20

    def __init__(
        self,
        path: Path,
        rows: Chunks,
        columns: Mapping[str, str],
        prefix: str,
        ours: Mapping[str, str],
    ) -> None:
        """Begin a stream of Arrow's batches, or a Parquet file."""
        self._columns = columns
        answers = to_fields({prefix + name: kind for name, kind in columns.items()})
        self._kinds = [*columns.values(), *RESULT_COLUMNS.values()]
        self._encoded = pa.schema([*answers, *to_fields(RESULT_COLUMNS)])
        self._ours = ours
        self._schema = pa.schema([*rows.fields(), *self._encoded, *to_fields(ours)])
        open_file = pq.ParquetWriter if path.suffix == ".parquet" else pa.ipc.new_stream
        self._writer = open_file(str(path), self._schema)

    def keep(self, store: Store) -> _Batches:
        """Return batches that are kept in a store."""
        return _Batches(store, self._encoded)

    def encode(
        self, answers: list[Fields], columns: Mapping[str, list[Any]]
    ) -> pa.RecordBatch:
        """Return answers and results as one batch."""
        values = by_column(answers, self._columns)
        values += [columns[name] for name in RESULT_COLUMNS]
        arrays = [*map(to_array, self._kinds, values)]
        return pa.record_batch(arrays, schema=self._encoded)

    def write(
        self,
        rows: Chunk,
        encoded: pa.RecordBatch,
        columns: Mapping[str, Sequence[Any]],
    ) -> None:
        """Append rows as one batch, which is one row group in Parquet."""
        ours = [to_array(kind, columns[name]) for name, kind in self._ours.items()]
        arrays = [*rows.arrays(), *encoded.columns, *ours]
        self._writer.write_batch(pa.record_batch(arrays, schema=self._schema))

    def close(self) -> None:
        """Finish the file."""
        self._writer.close()


class _Batches:
    """Rows of many batches, each of which is one piece of a store."""

    def __init__(self, store: Store, schema: pa.Schema) -> None:
        self._store = store
        self._schema = schema
        self._starts = [0]

    def append(self, encoded: pa.RecordBatch) -> None:
        """Append a batch."""
        self._store.append([memoryview(encoded.serialize(memory_pool=POOL))])
        self._starts.append(self._starts[-1] + encoded.num_rows)

    def take(self, numbers: Sequence[int]) -> pa.RecordBatch:
        """Return the rows of these numbers, in this order."""
        order = sorted(range(len(numbers)), key=numbers.__getitem__)
        ordered = [numbers[index] for index in order]
        taken = []
        done = 0
        while done < len(ordered):
            piece = bisect_right(self._starts, ordered[done]) - 1
            start, stop = self._starts[piece : piece + 2]
            until = bisect_left(ordered, stop, done)
            rows = [number - start for number in ordered[done:until]]
            taken.append(_rows(self._batch(piece), rows))
            done = until
        if len(taken) == 1 and order == [*range(len(order))]:
            return taken[0]
        places = [0] * len(order)
        for place, index in enumerate(order):
            places[index] = place
        (joined,) = pa.Table.from_batches(taken).combine_chunks().to_batches()
        return _rows(joined, places)

    def _batch(self, piece: int) -> pa.RecordBatch:
        (data,) = self._store.take([piece])
        return pa.ipc.read_record_batch(pa.py_buffer(data), self._schema)


def _rows(batch: pa.RecordBatch, rows: Sequence[int]) -> pa.RecordBatch:
    if len(rows) == 1:
        return batch.slice(rows[0], 1)  # without a copy: it may be large
    return batch.take(pa.array(rows, pa.int32()))


def concat_parquet(parts: Iterable[Path], target: Path) -> None:
    """Write all rows of `parts`, which have one schema; small batches are merged."""
    writer: pq.ParquetWriter | None = None
    try:
        for group in _groups(parts):
            table = pa.Table.from_batches(group)
            group.clear()
            if writer is None:
                writer = pq.ParquetWriter(str(target), table.schema, **_options(table))
            writer.write_table(table)
            del table
    finally:
        if writer is not None:
            writer.close()


def _groups(parts: Iterable[Path]) -> Iterator[list[pa.RecordBatch]]:
    """Yield the batches of each row group, in a list that the caller empties."""
    group: list[pa.RecordBatch] = []
    size = rows = 0
    for path in parts:
        with pa.OSFile(str(path), "rb") as file, pa.ipc.open_stream(file) as batches:
            for batch in batches:
                group.append(batch)
                size += batch.nbytes
                rows += batch.num_rows
                del batch
                if size > _GROUP_BYTES or rows > _GROUP_ROWS:
                    yield group
                    size = rows = 0
        # Arrow's allocator keeps what it has; over many parts that adds up.
        pa.default_memory_pool().release_unused()
    if group:
        yield group


def _options(table: pa.Table) -> dict[str, Any]:
    """Return how Parquet is written, told by the first row group.

    A column of long texts has neither dictionary nor statistics, each of which copies
    texts; with them a text of 50 MB takes 400 MB of memory to write.
    """
    others = [
        name
        for name, column in zip(table.schema.names, table.columns, strict=True)
        if column.nbytes < _LONG_TEXT_BYTES * table.num_rows
    ]
    if len(others) == table.num_columns:
        return {}
    others = [name for name in others if name != "_raw"]  # the same, if invalid
    return {
        "use_dictionary": others,
        "write_statistics": others,
        "data_page_version": "2.0",
    }
