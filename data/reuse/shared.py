"""Which rows share the answer to one request: `shared`, 8 bytes for each such row."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from typing import Any, cast

__all__ = ["Shared", "follower_of", "pair"]

_BITS = 32
_ROW = (1 << _BITS) - 1


def pair(leader: int, follower: int) -> int:
    """Return a row whose request is sent, and one with an equal one, as a number."""
    return leader << _BITS | follower


def follower_of(pair: int) -> int:
    """Return the second row of a pair."""
    return pair & _ROW


class Shared:
    """The rows whose own request is not sent, because an equal one is.

    Of rows with equal requests the first is their leader, and the others follow it.
    """

    def __init__(self, pairs: Any = b"") -> None:
        """Take sorted pairs, as numbers in memory or bytes of a file."""
        self._pairs = memoryview(pairs).cast("B").cast("Q")

    def shards_of(self, leader: int, first_rows: Sequence[int]) -> Iterator[int]:
        """Yield the shards with rows that the answer to a row's request is for.

        Args:
            leader: The row.
            first_rows: Of each shard.
        """
        row = leader
        at = bisect_left(self._pairs, pair(leader, 0)) if self._pairs else 0
        while True:
            shard = bisect_left(first_rows, row + 1) - 1
            yield shard
            if shard + 1 == len(first_rows):
                return
            at = bisect_left(self._pairs, pair(leader, first_rows[shard + 1]), at)
            if at == len(self._pairs) or self._pairs[at] >> _BITS != leader:
                return
            row = self._pairs[at] & _ROW

    def leaders(self, first_row: int, rows: int) -> dict[int, int]:
        """Return the leader of each follower among consecutive rows."""
        if not self._pairs:
            return {}
        import pyarrow as pa  # noqa: PLC0415 - takes 100 MB
        import pyarrow.compute as pc  # noqa: PLC0415 - the same

        buffer = pa.py_buffer(self._pairs)
        pairs = pa.Array.from_buffers(pa.uint64(), len(self._pairs), [None, buffer])
        row = pc.bit_wise_and(pairs, pa.scalar(_ROW, pa.uint64()))
        is_here = pc.and_(
            pc.greater_equal(row, pa.scalar(first_row, pa.uint64())),
            pc.less(row, pa.scalar(first_row + rows, pa.uint64())),
        )
        found = cast("list[int]", pairs.filter(is_here).to_pylist())
        return {follower_of(each): each >> _BITS for each in found}
