"""The answers of a shard by row: held where it is an ordinary one, else indexed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Protocol

from ...models import Anomaly
from ..tables.writers import Writer
from .held_answers import HeldAnswers, NotOrdinaryError
from .indexed_answers import IndexedAnswers
from .merge import Reading
from .piles import Laid
from .result_index import ResultIndex
from .row_results import ResultFile
from .tally import TallyCounter

__all__ = ["ShardAnswers", "open_answers"]

_HELD_BYTES = 72 << 20
"""Of result files; what is written of them takes less."""


class ShardAnswers(Protocol):
    """The one answer of each row that counts."""

    counter: TallyCounter
    """Has counted all rows once the last block was taken."""

    @property
    def foreign(self) -> Anomaly:
        """Lines that answer none of our rows."""
        ...

    def block(self, row: int, most: int) -> Laid:
        """Return what is written for some rows, at least one, at most `most`."""
        ...


@contextmanager
def open_answers(
    files: Sequence[ResultFile],
    reading: Reading,
    first_row: int,
    rows: int,
    writer: Writer,
) -> Iterator[ShardAnswers]:
    """Read the result files of a shard, which has these rows of the input.

    Args:
        files: First round first.
        reading: How they are read.
        first_row: Of the shard, 0-based in the input.
        rows: Of the shard.
        writer: What the answers are laid out for.
    """
    held = _held(files, reading, first_row, rows, writer)
    if held is not None:
        yield held
        return
    with ExitStack() as stack:
        opened = [
            (stack.enter_context(file.path.open("rb")), file.batch_id) for file in files
        ]
        index = ResultIndex(opened, reading.fmt, reading.nonce, first_row, rows)
        yield IndexedAnswers(index, reading, writer)


def _held(
    files: Sequence[ResultFile],
    reading: Reading,
    first_row: int,
    rows: int,
    writer: Writer,
) -> HeldAnswers | None:
    # Vectors take twice what their lines do.
    size = sum(file.path.stat().st_size for file in files)
    if size > _HELD_BYTES or reading.vectors:
        return None
    try:
        return HeldAnswers(files, reading, first_row, rows, writer)
    except NotOrdinaryError:
        return None
