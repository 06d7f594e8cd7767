"""One part of the output as Parquet."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from ._arrow import to_array, to_fields
from ._chunks import Chunk, Chunks
from ._row_meta import RowMeta, meta_columns
from ._writers import by_column
from .columns import META
from .response_model import Fields

__all__ = ["ParquetWriter"]


class ParquetWriter:
    """Input columns keep their types; the answer's come from its schema."""

    block_bytes = 8 << 20

    def __init__(
        self, path: Path, rows: Chunks, columns: Mapping[str, str], prefix: str
    ) -> None:
        self._kinds = [*columns.values(), *META.values()]
        self._columns = [*columns]
        named = {prefix + name: kind for name, kind in columns.items()}
        self._schema = pa.schema([*rows.fields(), *to_fields(named), *to_fields(META)])
        self._writer = pq.ParquetWriter(str(path), self._schema)

    def write(
        self, rows: Chunk, answers: Sequence[Fields], meta: Sequence[RowMeta]
    ) -> None:
        """Append rows as one row group."""
        ours = [*by_column(answers, self._columns), *meta_columns(meta)]
        arrays = [*rows.arrays(), *map(to_array, self._kinds, ours)]
        self._writer.write_batch(pa.record_batch(arrays, schema=self._schema))

    def close(self) -> None:
        """Finish the file."""
        self._writer.close()
