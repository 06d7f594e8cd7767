"""Rows to request files: read once, split at the limits, digests while writing."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from pathlib import Path

from ...errors import InputError
from ...providers import Format, Limits
from ..columns import observe
from ..job import BatchJob
from ..prompts.template import Prompt
from ..resolve import ResolvedJob
from ..resolve_steps import answer_columns, refuse_collisions
from ..rows.block import RowBlock
from ..rows.source import RowSource, open_rows
from .encoder import RowEncoder
from .shard import Shard, ShardFiles

__all__ = ["ShardFiles", "batch_limits", "write_shards"]


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
    ids: str,
    folder: Callable[[int], Path],
    progress: Callable[[int], None] | None = None,
    *,
    keep_rows: bool = True,
) -> Generator[ShardFiles]:
    """Read the input once, in order; yield each shard when it is on disk.

    Args:
        job: Its input, prompt and limits.
        fmt: How a request is encoded.
        ids: The `custom_id`s: ASCII with one `%09d`, which is the row's number.
        folder: Asked once for the local, existing folder of each shard.
        progress: Called with the rows done, now and then.
        keep_rows: False where nothing will be joined to the rows.

    Raises:
        InputError: A row that cannot be sent; the text names file, line and row.
    """
    source = open_rows(job.job.input)
    shards = _Shards(job, fmt, ids, source, folder, keep_rows=keep_rows)
    rows = 0
    try:
        for block in source.blocks():
            yield from shards.add(block)
            rows += len(block)
            if progress is not None:
                progress(rows)
        if not rows:
            raise InputError(f"{job.job.input} has no rows.")
        yield shards.close()
    finally:
        shards.release()


class _Shards:
    """Cuts rows into shards, each as full as the limits allow."""

    def __init__(
        self,
        job: ResolvedJob,
        fmt: Format,
        ids: str,
        source: RowSource,
        folder: Callable[[int], Path],
        *,
        keep_rows: bool,
    ) -> None:
        prompt = Prompt(
            job.messages, own_messages=job.own_messages, folder=Path(job.folder)
        )
        self._encode = RowEncoder(prompt, fmt.encoder(job.template), ids)
        self._limits = batch_limits(job.job, fmt)
        self._canary = job.job.canary or 0
        self._source = source
        self._folder = folder
        self._keep_rows = keep_rows
        # JSON lines name their columns row by row, so collisions show only here.
        self._taken: frozenset[str] = frozenset()
        if keep_rows and source.columns is None:
            names = job.answer().columns
            self._taken = answer_columns(
                names, job.job.answer_prefix, (), job.job.input
            )
        self._observed = (
            keep_rows
            and source.columns is None
            and not job.job.output.lower().endswith((".jsonl", ".ndjson"))
        )
        # What has been seen since the last shard was closed.
        self._columns: dict[str, str] = {}
        self._shard = self._open(0, 0)

    def add(self, block: RowBlock) -> Iterator[ShardFiles]:
        """Add the rows of a block; yield the shards that are full before their end."""
        if self._observed:
            observe(self._columns, block.values)
        names = [self._columns] if self._observed else block.values
        if self._taken and not all(map(self._taken.isdisjoint, names)):
            for row, values in enumerate(block.values):
                where = block.part(row, row + 1).where()
                refuse_collisions(self._taken, values, where)
        start = 0
        while start < len(block):
            first_row = block.first_row + start
            if self._shard.rows_left == 0 or first_row == self._canary > 0:
                yield self._roll(first_row)
            room = min(self._encode.rows_at_once, self._shard.rows_left)
            if first_row < self._canary:
                room = min(room, self._canary - first_row)
            stop = min(start + room, len(block))
            yield from self._add(block.part(start, stop))
            start = stop

    def close(self) -> ShardFiles:
        """Return the last shard."""
        return self._shard.close(self._columns)

    def release(self) -> None:
        """Let go of the files of a shard that is not finished."""
        self._shard.release()

    def _add(self, rows: RowBlock) -> Iterator[ShardFiles]:
        """Add rows; by halves where not all of them fit, or not all can be sent."""
        try:
            lines = self._encode(rows.first_row, rows.values)
        except InputError as exc:
            if len(rows) == 1:
                raise InputError(f"{rows.where()}: {exc}") from exc
        else:
            if self._shard.add(lines, rows):
                return
            if len(rows) == 1:
                if len(lines) > self._limits.max_bytes:
                    raise InputError(
                        f"{rows.where()}: its request has {len(lines):,} bytes, but"
                        f" one batch holds {self._limits.max_bytes:,}; shorten it."
                    )
                yield self._roll(rows.first_row)
                self._shard.add(lines, rows)
                return
        middle = len(rows) // 2
        yield from self._add(rows.part(0, middle))
        yield from self._add(rows.part(middle, len(rows)))

    def _roll(self, first_row: int) -> ShardFiles:
        """Close the shard and open the next one."""
        closed, self._columns = self._shard.close(self._columns), {}
        self._shard = self._open(closed.index + 1, first_row)
        return closed

    def _open(self, index: int, first_row: int) -> Shard:
        return Shard(
            self._folder(index),
            index,
            first_row,
            self._limits,
            self._source,
            keep_rows=self._keep_rows,
        )
