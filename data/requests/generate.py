"""From rows to request files: the input is read once and split at a batch's limits."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from ...errors import InputError
from ...models import RunEvent
from ...providers import Format, Limits
from ..columns import META
from ..job import BatchJob
from ..observed import observe
from ..prompts.prompt import Prompt
from ..resolve import ResolvedJob
from ..rows.block import Place, RowBlock, first_rows, refuse_collisions
from ..rows.source import RowSource, RowStore, open_rows
from .encoder import RowEncoder
from .writer import RequestFile, RequestWriter

__all__ = ["ShardFiles", "batch_limits", "prompt_of", "write_shards"]

_PLACES = 10_000
"""Of an input with a blank line before each row, no more are noted."""


@dataclass(frozen=True, kw_only=True)
class ShardFiles:
    """A shard on disk: its requests and their rows."""

    requests: RequestFile
    first_row: int
    rows_path: Path
    """Does not exist where no rows are kept."""
    columns: dict[str, str]
    """Name and kind of the rows' keys, where the input is JSON lines and the output
    has columns; those of all shards together are the columns of the input."""
    places: tuple[Place, ...]
    """Where its rows are in the input, and perhaps some of the next shard's."""
    empty: dict[str, int]
    """Rows with an empty value, by column that the prompt uses; counted likewise."""


def batch_limits(job: BatchJob, fmt: Format) -> Limits:
    """Return the limits of a batch: those of the provider, or lower ones of the job.

    A job that is asked in realtime from the start has no batches, and no minimum.
    """
    limits = fmt.limits
    return replace(
        limits,
        min_requests=limits.min_requests if job.finish_by_seconds != 0 else 1,
        max_requests=min(
            limits.max_requests, job.max_requests_per_batch or limits.max_requests
        ),
        max_bytes=min(limits.max_bytes, job.max_bytes_per_batch or limits.max_bytes),
    )


def prompt_of(job: ResolvedJob) -> Prompt:
    """Compile the prompt of a job, without its constant system text."""
    return Prompt(
        job.messages,
        own_messages=job.own_messages,
        folder=Path(job.folder),
        bounded=job.job.max_cost_usd is not None,
    )


def write_shards(
    job: ResolvedJob,
    fmt: Format,
    ids: str,
    folder: Path,
    tell: Callable[[RunEvent], None] = lambda _: None,
    *,
    keep_rows: bool = True,
    see: Callable[[bytes], None] | None = None,
) -> Generator[ShardFiles]:
    """Read the input once, in order; yield each shard when it is on disk.

    Args:
        job: Its input, prompt and limits.
        fmt: How a request is encoded.
        ids: The `custom_id`s: ASCII with one `%09d`, which is the row's number.
        folder: An empty folder for the files.
        tell: Called with what was decided about the input, and the rows done.
        keep_rows: False if nothing will be joined to the rows.
        see: Called with all requests, some lines at a time.

    Raises:
        InputError: A row that cannot be sent; the text names file, line and row.
    """
    source = open_rows(job.job.input, job.job.encoding)
    if source.note:
        tell(RunEvent(kind="notice", text=source.note))
    shards = _Shards(job, fmt, ids, source, folder, see, keep_rows=keep_rows)
    rows = 0
    try:
        for block in first_rows(source.blocks(), job.job.limit):
            yield from shards.add(block)
            rows += len(block)
            tell(RunEvent(kind="reading", done=rows))
        if not rows:
            raise InputError(f"{job.job.input} has no rows.")
        yield shards.roll()
    finally:
        shards.discard()


class _Shards:
    """Splits rows into shards, each as full as the limits allow."""

    def __init__(
        self,
        job: ResolvedJob,
        fmt: Format,
        ids: str,
        source: RowSource,
        folder: Path,
        see: Callable[[bytes], None] | None,
        *,
        keep_rows: bool,
    ) -> None:
        prompt = prompt_of(job)
        self._used = prompt.used
        self._encode = RowEncoder(prompt, fmt.encoder(job.template), ids)
        self._limits = batch_limits(job.job, fmt)
        self._writer = RequestWriter(folder, self._limits)
        self._canary = job.job.canary or 0
        self._source = source
        self._folder = folder
        self._see = see
        self._keep_rows = keep_rows
        self._store: RowStore | None = None
        self._index = self._first_row = 0
        # JSON lines name their columns row by row, so collisions show only here.
        has_header = source.columns is not None
        self._taken: frozenset[str] = frozenset()
        if keep_rows and not has_header:
            self._taken = job.answer_columns()
            refuse_collisions(self._taken, META, job.job.input)
        self._observed = (
            keep_rows
            and not has_header
            and not job.job.output.lower().endswith((".jsonl", ".ndjson"))
        )
        self._columns: dict[str, str] = {}
        self._places: list[Place] = []
        self._place: Place | None = None
        self._places_left = _PLACES
        self._empty: Counter[str] = Counter()

    def add(self, block: RowBlock) -> Iterator[ShardFiles]:
        """Add the rows of a block; yield the shards that are complete by then."""
        self._empty.update(self._used.empty(block.values))
        self._note_places(block)
        if self._observed:
            observe(self._columns, block.values)
        names = [self._columns] if self._observed else block.values
        if self._taken and not all(map(self._taken.isdisjoint, names)):
            for row, values in enumerate(block.values):
                where = block.part(row, row + 1).where()
                refuse_collisions(self._taken, values, where)
        start = 0
        while start < len(block):
            row = block.first_row + start
            if row == self._canary > 0:
                yield self.roll()
            left = self._writer.requests_left or self._limits.max_requests
            count = min(self._encode.rows_at_once, left)
            if row < self._canary:
                count = min(count, self._canary - row)
            stop = min(start + count, len(block))
            yield from self._add(block.part(start, stop))
            start = stop

    def roll(self) -> ShardFiles:
        """Complete the shard that is being written."""
        return self._completed(self._writer.roll())

    def discard(self) -> None:
        """Close the files of a shard that will not be completed."""
        self._writer.discard()
        if self._store is not None:
            self._store.close()

    def _add(self, rows: RowBlock) -> Iterator[ShardFiles]:
        """Add rows; in halves if not all of them fit, or not all can be sent."""
        is_one = len(rows) == 1
        is_added, complete = False, None
        try:
            lines = self._encode(rows.first_row, rows.values)
            if is_one or self._writer.has_room(len(lines), len(rows)):
                complete = self._writer.add(lines, len(rows))
                if self._see is not None:
                    self._see(lines)
                is_added = True
        except InputError as exc:
            if is_one:
                raise InputError(f"{rows.where()}: {exc}") from exc
        if not is_added:
            middle = len(rows) // 2
            yield from self._add(rows.part(0, middle))
            yield from self._add(rows.part(middle, len(rows)))
            return
        if complete is not None:
            yield self._completed(complete)
        if self._keep_rows:
            if self._store is None:
                self._store = self._source.store(self._rows_path())
            self._store.add(rows.records)

    def _note_places(self, block: RowBlock) -> None:
        """Note where the rows are, unless they follow those before them."""
        for place in block.places():
            row, last = place.first_row, self._place
            if self._places_left < 0 or (last and last.of(row) == place.of(row)):
                continue
            self._place = place if self._places_left else Place(row, "", 0, "")
            self._places.append(self._place)
            self._places_left -= 1

    def _completed(self, requests: RequestFile) -> ShardFiles:
        """Close the rows of a shard whose request file is complete."""
        if self._store is not None:
            self._store.close()
            self._store = None
        shard = ShardFiles(
            requests=requests,
            first_row=self._first_row,
            rows_path=self._rows_path(),
            columns=self._columns,
            places=tuple(self._places),
            empty=dict(self._empty),
        )
        self._columns = {}
        self._places = []
        self._empty.clear()
        self._index += 1
        self._first_row += requests.requests
        return shard

    def _rows_path(self) -> Path:
        return self._folder / f"{self._index:05}.rows{self._source.store_suffix}"
