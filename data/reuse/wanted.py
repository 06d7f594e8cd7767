"""The different requests of a run, looked up in indexes of answers."""

from __future__ import annotations

from array import array
from typing import Any, cast

import pyarrow as pa
import pyarrow.compute as pc

from .digests import DIGEST_BYTES
from .index import keys, numbers
from .shared import follower_of, pair

__all__ = ["Wanted"]

_FILTERS = ((0, 24), (24, 26))
"""Bits that each of two filters leaves out and uses: 2 MB, which fit into the cache of
a processor's core, and 8 MB for what passes the first."""
_ROWS = 1 << 16


class Wanted:
    """Requests that no answer was found for yet; about 50 bytes for each row."""

    def __init__(self, digests: bytes | bytearray) -> None:
        """Find out which rows have equal requests.

        Args:
            digests: Of the request of each row, in their order.
        """
        self.digests = digests
        rows = len(digests) // DIGEST_BYTES
        self.answered = bytearray(rows)
        """By row: whether an answer of another run is taken over."""
        high, low = keys(digests)
        order = pc.sort_indices(high)  # of equal ones the first row comes first
        self._high, self._low = high.take(order), low.take(order)
        self._rows = order.cast(pa.uint32())
        del high, low, order
        pa.default_memory_pool().release_unused()
        self.followers = array("Q")
        """Pairs of a row and the first row with an equal request, as numbers; sorted"""
        self._drop_followers()
        self._left = len(self._rows)
        self._filters: list[_Filter] = []

    def __len__(self) -> int:
        return self._left

    def unsent(self) -> bytearray:
        """Return by row whether its request is not sent."""
        rows = bytearray(self.answered)
        for each in self.followers:
            rows[follower_of(each)] = True
        return rows

    def digest(self, row: int) -> bytes:
        """Return the digest of a row's request."""
        start = row * DIGEST_BYTES
        return bytes(self.digests[start : start + DIGEST_BYTES])

    def matches(self, index: pa.RecordBatch) -> tuple[pa.RecordBatch, pa.Array[Any]]:
        """Return the answers in an index to what is wanted, and the rows they are for.

        A row may have several.
        """
        if not self._filters:
            self._filters = [_Filter(self._high, bits) for bits in _FILTERS]
        found = pc.indices_nonzero(self._filters[0].may_have(index["high"]))
        high = index["high"].take(found)
        found = found.filter(self._filters[1].may_have(high))
        some = index.take(found)
        at = pc.call_function("search_sorted", [self._high, some["high"]])
        at = pc.min_element_wise(at, pa.scalar(len(self._high) - 1, pa.uint64()))
        is_equal = pc.and_(
            pc.equal(self._high.take(at), some["high"]),
            pc.equal(self._low.take(at), some["low"]),
        )
        return some.filter(is_equal), self._rows.take(at.filter(is_equal))

    def answer(self, row: int) -> None:
        """Note that the request of a row has an answer."""
        self.answered[row] = True
        self._left -= 1
        if self._left < len(self._rows) // 2:
            answered = numbers(self.answered, pa.uint8()).take(self._rows)
            self._keep(pc.equal(answered, pa.scalar(0, pa.uint8())))

    def _keep(self, mask: pa.Array[Any]) -> None:
        self._high, self._low = self._high.filter(mask), self._low.filter(mask)
        self._rows = self._rows.filter(mask)
        self._filters = []

    def _drop_followers(self) -> None:
        high, low, rows = self._high, self._low, self._rows
        same = pc.equal(high.slice(1), high.slice(0, max(0, len(high) - 1)))
        places = pc.indices_nonzero(same)
        if not len(places):
            return
        keep = bytearray(b"\1") * len(rows)
        pairs = []
        last = -2
        first: dict[int, int] = {}
        for start in range(0, len(places), _ROWS):
            some = places.slice(start, _ROWS)
            after = pc.add(some, pa.scalar(1, pa.uint64()))
            columns = [
                low.take(some),
                rows.take(some),
                low.take(after),
                rows.take(after),
            ]
            lists = [column.to_pylist() for column in (some, *columns)]
            for place, before, row, key, follower in zip(*lists, strict=True):
                if place != last + 1:
                    first = {before: row}
                last = place
                leader = first.setdefault(key, follower)
                if leader != follower:
                    pairs.append(pair(leader, follower))
                    keep[place + 1] = 0
        self.followers = array("Q", sorted(pairs))
        self._keep(pc.equal(numbers(keep, pa.uint8()), pa.scalar(1, pa.uint8())))


class _Filter:
    """Whether numbers may be among some others, by a part of their bits."""

    def __init__(self, others: pa.Array[Any], bits: tuple[int, int]) -> None:
        """Take the others.

        Args:
            others: What is looked for.
            bits: How many bits to leave out at the left, and how many to use then, at
                most; fewer, if the others are few.
        """
        skipped, most = bits
        used = min(most, max(3, (len(others) << 5).bit_length()))
        self._left = pa.scalar(skipped, pa.uint64())
        self._right = pa.scalar(64 - used, pa.uint64())
        data = bytearray(1 << (used - 3))
        places = self._places(others)
        for start in range(0, len(places), _ROWS):
            some = places.slice(start, _ROWS).to_pylist()
            for place in cast("list[int]", some):
                data[place >> 3] |= 1 << (place & 7)
        self._has = pa.Array.from_buffers(
            pa.bool_(), 1 << used, [None, pa.py_buffer(data)]
        )

    def may_have(self, numbers: pa.Array[Any]) -> pa.Array[Any]:
        """Return for each number whether it may be one of the others."""
        return self._has.take(self._places(numbers))

    def _places(self, numbers: pa.Array[Any]) -> pa.Array[Any]:
        return pc.shift_right(pc.shift_left(numbers, self._left), self._right)
