"""The results of a shard by row: held where they are few, else read from disk."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Protocol

from ..models import Anomaly
from ..providers import Format
from ._held_results import HeldResults
from ._result_index import ResultIndex
from ._row_results import ResultFile, RowResults

__all__ = ["ShardResults", "open_results"]

_HELD_BYTES = 72 << 20
"""Of result files; decoded, texts take less than their lines do."""


class ShardResults(Protocol):
    """Results by row, in the order of their files."""

    @property
    def foreign(self) -> Anomaly:
        """Lines that answer none of our rows."""
        ...

    def block(self, row: int, most: int) -> RowResults:
        """Return the results of some rows, at least one, and of no more than `most`."""
        ...


@contextmanager
def open_results(
    files: Sequence[ResultFile],
    fmt: Format,
    nonce: str,
    first_row: int,
    rows: int,
    *,
    vectors: bool = False,
) -> Iterator[ShardResults]:
    """Read the result files of a shard, which has these rows of the input.

    Args:
        files: First round first.
        fmt: Decodes their lines.
        nonce: What the run's `custom_id`s begin with.
        first_row: Of the shard, 0-based in the input.
        rows: Of the shard.
        vectors: The answers are embeddings, which take twice what their lines do.
    """
    size = sum(file.path.stat().st_size for file in files)
    if size <= _HELD_BYTES and not vectors:
        yield HeldResults(files, fmt, nonce, first_row, rows)
        return
    with ExitStack() as stack:
        opened = [
            (stack.enter_context(file.path.open("rb")), file.batch_id) for file in files
        ]
        yield ResultIndex(opened, fmt, nonce, first_row, rows)
