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

_FILTER_BITS = 25
"""At most, of the numbers in the filter: 4 MB, which fit into a processor's cache."""
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
        self._shift = 0
        self._filter: pa.Array[Any] | None = None

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
        if self._filter is None:
            self._filter = self._bitmap()
        places = pc.shift_right(index["high"], pa.scalar(self._shift, pa.uint64()))
        some = index.filter(self._filter.take(places))
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
        self._filter = None

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

    def _bitmap(self) -> pa.Array[Any]:
        """Return a bit for each beginning of a digest: whether a request has it."""
        bits = min(_FILTER_BITS, max(3, (len(self._rows) << 7).bit_length()))
        self._shift = 64 - bits
        data = bytearray(1 << (bits - 3))
        places = pc.shift_right(self._high, pa.scalar(self._shift, pa.uint64()))
        for start in range(0, len(places), _ROWS):
            some = places.slice(start, _ROWS).to_pylist()
            for place in cast("list[int]", some):
                data[place >> 3] |= 1 << (place & 7)
        return pa.Array.from_buffers(pa.bool_(), 1 << bits, [None, pa.py_buffer(data)])
