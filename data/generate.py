"""Rows to request files: read once, split at the limits, digests while writing."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from ..errors import InputError
from ..providers import Format, Limits
from ._resolve import answer_columns, refuse_collisions
from ._splice import row_encoder
from .columns import observe
from .custom_id import row_id
from .job import BatchJob, ResolvedJob
from .prompts import Prompt
from .rows import RowSource, RowStore, open_rows

__all__ = ["ShardFiles", "batch_limits", "write_shards"]

_PROGRESS_ROWS = 1000
_FLUSH_BYTES = 256 << 10


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
    """JSON lines only: name and kind of every key in the shard's rows."""


def batch_limits(job: BatchJob, fmt: Format) -> Limits:
    """Return what one batch of the job may hold: the provider's limits, or lower."""
    limits = fmt.limits
    return Limits(
        max_requests=min(
            limits.max_requests, job.max_requests_per_batch or limits.max_requests
        ),
        max_bytes=min(limits.max_bytes, job.max_bytes_per_batch or limits.max_bytes),
        source=limits.source,
    )


def write_shards(
    job: ResolvedJob,
    fmt: Format,
    nonce: str,
    folder: Callable[[int], Path],
    progress: Callable[[int], None] | None = None,
    *,
    custom_id: Callable[[int], str] | None = None,
    keep_rows: bool = True,
) -> Iterator[ShardFiles]:
    """Read the input once, in order; yield each shard when it is on disk.

    Args:
        job: Its input, prompt and limits.
        fmt: How a request is encoded.
        nonce: What the run's `custom_id`s begin with.
        folder: Asked once for the local, existing folder of each shard.
        progress: Called with the rows done, now and then.
        custom_id: From a row to its id, instead of the run's.
        keep_rows: False where nothing will be joined to the rows.

    Raises:
        InputError: A row that cannot be sent; the text names file, line and row.
    """
    source = open_rows(job.job.input)
    limits = batch_limits(job.job, fmt)
    name = custom_id or partial(row_id, nonce, round_=0)
    requests = _requests(job, fmt, source, name, joined=keep_rows)
    observed = source.columns is None and not job.job.output.lower().endswith(
        (".jsonl", ".ndjson")
    )
    canary = job.job.canary
    shard: _Shard | None = None
    row = -1
    with ExitStack() as unfinished:
        for row, (line, values, record) in enumerate(requests):
            if shard is None or row == canary or not shard.add(line, record):
                if len(line) > limits.max_bytes:
                    raise InputError(
                        f"{source.where()}: its request has {len(line):,} bytes, but"
                        f" one batch holds {limits.max_bytes:,}; shorten it."
                    )
                index = 0
                if shard is not None:
                    index = shard.index + 1
                    yield shard.close()
                unfinished.close()
                shard = _Shard(folder(index), index, row, limits, source)
                unfinished.callback(shard.release)
                if keep_rows:
                    shard.keep(source)
                shard.add(line, record)
            if observed:
                observe(shard.columns, values)
            if progress is not None and row % _PROGRESS_ROWS == 0:
                progress(row)
        if shard is None:
            raise InputError(f"{job.job.input} has no rows.")
        if progress is not None:
            progress(row + 1)
        yield shard.close()


def _requests(
    job: ResolvedJob,
    fmt: Format,
    source: RowSource,
    name: Callable[[int], str],
    *,
    joined: bool,
) -> Iterator[tuple[bytes, dict[str, Any], Any]]:
    """Yield request line, values and record of each row."""
    prompt = Prompt(
        job.messages, own_messages=job.own_messages, folder=Path(job.folder)
    )
    encode = row_encoder(prompt, fmt.encoder(job.template))
    # JSON lines name their columns row by row, so collisions show only here.
    taken: frozenset[str] = frozenset()
    if joined and source.columns is None:
        names = job.answer().columns
        taken = answer_columns(names, job.job.answer_prefix, (), job.job.input)
    for row, (values, record) in enumerate(source.rows()):
        if not taken.isdisjoint(values):
            refuse_collisions(taken, values, source.where())
        try:
            line = encode(name(row), values)
        except InputError as exc:
            raise InputError(f"{source.where()}: {exc}") from exc
        yield line, values, record


class _Shard:
    """The shard that is being written."""

    def __init__(
        self,
        folder: Path,
        index: int,
        first_row: int,
        limits: Limits,
        source: RowSource,
    ) -> None:
        self.index = index
        self.columns: dict[str, str] = {}
        self._folder = folder
        self._first_row = first_row
        self._rows_name = source.rows_name
        self._rows_left = limits.max_requests
        self._bytes_left = limits.max_bytes
        self._limits = limits
        self._held: list[bytes] = []
        self._flush_at = self._bytes_left - _FLUSH_BYTES
        self._store: RowStore | None = None
        self._file = (folder / "requests.jsonl").open("wb")
        self._digest = hashlib.sha256()

    def keep(self, source: RowSource) -> None:
        """Keep the rows beside their requests."""
        self._store = source.store(self._folder / self._rows_name)

    def add(self, line: bytes, record: Any) -> bool:
        """Add a row, unless it is one too many or too large for this batch."""
        size = len(line)
        if self._rows_left == 0 or size > self._bytes_left:
            return False
        self._rows_left -= 1
        self._bytes_left -= size
        self._held.append(line)
        if self._bytes_left < self._flush_at:
            self._flush()
        if self._store is not None:
            self._store.add(record)
        return True

    def close(self) -> ShardFiles:
        self._flush()
        self._file.flush()
        os.fsync(self._file.fileno())
        self.release()
        return ShardFiles(
            index=self.index,
            first_row=self._first_row,
            rows=self._limits.max_requests - self._rows_left,
            requests_bytes=self._limits.max_bytes - self._bytes_left,
            digest=self._digest.hexdigest(),
            rows_name=self._rows_name,
            columns=self.columns,
        )

    def release(self) -> None:
        """Let go of the files, also of a shard that is not finished."""
        self._file.close()
        if self._store is not None:
            self._store.close()
            self._store = None

    def _flush(self) -> None:
        data = b"".join(self._held)
        self._digest.update(data)
        self._file.write(data)
        self._held.clear()
        self._flush_at = self._bytes_left - _FLUSH_BYTES
