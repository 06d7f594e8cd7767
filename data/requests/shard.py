"""One shard on disk: its requests, and beside them the rows that they came from."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass, field
from pathlib import Path

from ...providers import Limits
from ..rows.block import RowBlock
from ..rows.source import RowSource

__all__ = ["Shard", "ShardFiles"]


@dataclass(frozen=True, kw_only=True)
class ShardFiles:
    """One shard on disk: `requests.jsonl` and its rows, in one folder."""

    index: int
    first_row: int
    rows: int
    requests_bytes: int
    digest: str
    """SHA-256 of the requests, hex."""
    rows_name: str
    columns: dict[str, str] = field(default_factory=dict)
    """JSON lines only: name and kind of keys; those of all shards together are what
    all rows have."""


class Shard:
    """The shard that is being written."""

    def __init__(
        self,
        folder: Path,
        index: int,
        first_row: int,
        limits: Limits,
        source: RowSource,
        *,
        keep_rows: bool,
    ) -> None:
        self.index = index
        self.rows_left = limits.max_requests
        self._bytes_left = limits.max_bytes
        self._limits = limits
        self._first_row = first_row
        self._rows_name = source.rows_name
        self._file = (folder / "requests.jsonl").open("wb")
        self._digest = hashlib.sha256()
        self._store = source.store(folder / self._rows_name) if keep_rows else None

    def add(self, lines: bytes, rows: RowBlock) -> bool:
        """Add rows and their requests, unless they are too many or too large."""
        if len(rows) > self.rows_left or len(lines) > self._bytes_left:
            return False
        self.rows_left -= len(rows)
        self._bytes_left -= len(lines)
        self._digest.update(lines)
        self._file.write(lines)
        if self._store is not None:
            self._store.add(rows.records)
        return True

    def close(self, columns: dict[str, str]) -> ShardFiles:
        """Sync the files and say what they hold."""
        self._file.flush()
        os.fsync(self._file.fileno())
        self.release()
        return ShardFiles(
            index=self.index,
            first_row=self._first_row,
            rows=self._limits.max_requests - self.rows_left,
            requests_bytes=self._limits.max_bytes - self._bytes_left,
            digest=self._digest.hexdigest(),
            rows_name=self._rows_name,
            columns=columns,
        )

    def release(self) -> None:
        """Let go of the files, also of a shard that is not finished."""
        self._file.close()
        if self._store is not None:
            self._store.close()
            self._store = None
