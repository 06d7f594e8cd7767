"""One part of the output as Parquet."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from ._arrow import to_array, to_fields
from ._chunks import Chunk, Chunks
from ._writers import RowAnswer
from .columns import META

__all__ = ["ParquetWriter"]


class ParquetWriter:
    """Input columns keep their types; the answer's come from its schema."""

    def __init__(
        self, path: Path, rows: Chunks, columns: Mapping[str, str], prefix: str
    ) -> None:
        self._columns = columns
        named = {prefix + name: kind for name, kind in columns.items()}
        self._schema = pa.schema([*rows.fields(), *to_fields(named), *to_fields(META)])
        self._writer = pq.ParquetWriter(str(path), self._schema)

    def write(self, rows: Chunk, answers: Sequence[RowAnswer]) -> None:
        """Append rows as one row group."""
        fields = [answer.fields or {} for answer in answers]
        meta = zip(*(answer.meta() for answer in answers), strict=True)
        arrays = [
            *rows.arrays(),
            *(
                to_array(kind, [values.get(name) for values in fields])
                for name, kind in self._columns.items()
            ),
            *(
                to_array(kind, values)
                for kind, values in zip(META.values(), meta, strict=True)
            ),
        ]
        self._writer.write_batch(pa.record_batch(arrays, schema=self._schema))

    def close(self) -> None:
        """Finish the file."""
        self._writer.close()
