"""Chooses, from all results of a row, the one that counts."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import compress
from typing import Any, NamedTuple

from msgspec.structs import astuple

from ...models import Outcome, Usage
from .block import Block, row_columns
from .row_ids import ROUNDS, Ids
from .tally import ERROR_CHARACTERS, TallyCounter

__all__ = ["Absent", "Merged", "RowResults", "Sharing"]

Absent = Callable[[int], tuple[Outcome, str]]
"""From a row without a result line to its outcome and the error."""

_SUCCEEDED = Outcome.SUCCEEDED
_BLOCK_ROWS = 1000


class Sharing(NamedTuple):
    """Rows of a shard that take the result of another row; they count within it."""

    leaders: Mapping[int, int]
    """That row, for each of them."""
    outside: Sequence[int]
    """Those in other shards, as rows of the input; they count after the others."""


class Merged(NamedTuple):
    """What became of consecutive rows, and what all of their requests took."""

    numbers: Sequence[int]
    """Of the results that count."""
    outcomes: list[Outcome]
    errors: list[str | None]
    usages: list[Usage | None]
    costs: list[int | None]
    """In 1e-12 USD; None: unknown."""
    rounds: list[int | None]
    """That gave the result; None: there is none."""
    reused: list[bool]
    """Whether each row took the answer to another request than its own."""

    def columns(self) -> dict[str, Sequence[Any]]:
        """Return the values of `ROW_COLUMNS` and `REUSED`."""
        columns = row_columns(self.usages, self.costs, self.rounds)
        return {**columns, "_reused": self.reused}


class RowResults:
    """Numbers of each row's results; some 200 bytes a result, whatever its size.

    The first valid success counts, else the last result. Every request is billed once;
    further lines for it are duplicates.
    """

    def __init__(
        self, ids: Ids, first_row: int, rows: int, sharing: Sharing | None = None
    ) -> None:
        """Begin without results; rows are counted within the shard."""
        self.counter = TallyCounter()
        self._ids = ids
        self._first_row = first_row
        self._rows = rows
        self._leaders, self._outside = sharing or Sharing({}, ())
        # Of each row its last result, of each result the one before it of its row.
        self._last = array("i", [-1]) * (rows + len(self._outside))
        self._previous = array("i")
        self._takes = bytearray(rows)
        self._before: dict[int, int | None] = {}
        """Of results of other runs, what they had cost."""
        self._batches: dict[str | None, int] = {}
        self._requests = array("q")
        self._sizes = array("q")
        self._outcomes: list[Outcome] = []
        self._errors: list[str | None] = []
        self._texts: dict[str, str] = {}
        self._usages: list[Usage | None] = []
        self._costs: list[int | None] = []

    def add(
        self,
        rows: Sequence[int],
        rounds: Sequence[int],
        sizes: Sequence[int],
        block: Block,
        *,
        reused: bool = False,
    ) -> None:
        """Number further results; of a row the oldest come first.

        Args:
            rows: Of each result, within the shard.
            rounds: Of each result.
            sizes: Bytes of each result's line.
            block: The results.
            reused: Whether they are of another run.
        """
        last, previous = self._last, self._previous
        usages, costs = block.usages, block.costs
        if reused:
            self._before.update(enumerate(costs, len(previous)))
            usages, costs = [Usage()] * len(costs), [0] * len(costs)
        for number, row in enumerate(rows, len(previous)):
            previous.append(last[row])
            last[row] = number
        batch = self._batches.setdefault(block.batch_id, len(self._batches)) * ROUNDS
        self._requests.extend([batch + round_ for round_ in rounds])
        self._sizes.extend(sizes)
        self._outcomes += block.outcomes
        self._usages += usages
        self._costs += costs
        self._errors += [error and self._shortened(error) for error in block.errors]

    def add_missing(self, absent: Absent) -> Iterator[Block]:
        """Give each row without a result one that says so; yield them."""
        rows = [
            row
            for row, number in enumerate(self._last)
            if number < 0 and row not in self._leaders
        ]
        for start in range(0, len(rows), _BLOCK_ROWS):
            some = rows[start : start + _BLOCK_ROWS]
            nothing = [None] * len(some)
            said = [absent(self._input_row(row)) for row in some]
            outcomes = [outcome for outcome, _ in said]
            block = Block(
                [*nothing],
                outcomes,
                [error for _, error in said],
                [*nothing],
                [self._ids.name(row, 0) for row in some],
                None,
                [*nothing],
                [None if each is Outcome.MISSING else 0 for each in outcomes],
            )
            zeros = [0] * len(some)
            self.add(some, zeros, zeros, block)
            for row, outcome in zip(some, outcomes, strict=True):
                if outcome is Outcome.MISSING and row < self._rows:
                    self.counter.note("missing", self._ids.name(row, 0))
            yield block

    def merge(self) -> None:
        """Choose the result of each row that counts; each row must have one."""
        for row, number in enumerate(self._last):
            if number >= 0 and self._previous[number] >= 0:
                self._last[row] = self._merge(row, number)
        for row, leader in self._leaders.items():
            if self._last[row] < 0:  # else a retry has asked for it alone
                self._last[row] = self._last[leader]
                self._takes[row] = True

    def take(self, start: int, stop: int, size_bytes: int) -> Merged:
        """Return merged rows from `start` on, at least one, up to `stop` at most.

        Args:
            start: Within the shard.
            stop: Within the shard.
            size_bytes: Of their result lines, about.
        """
        last, sizes = self._last, self._sizes
        numbers: list[int] = []
        size = 0
        for row in range(start, stop):
            number = last[row]
            size += sizes[number]
            if numbers and size > size_bytes:
                break
            numbers.append(number)
        merged = Merged(
            numbers,
            [*map(self._outcomes.__getitem__, numbers)],
            [*map(self._errors.__getitem__, numbers)],
            [*map(self._usages.__getitem__, numbers)],
            [*map(self._costs.__getitem__, numbers)],
            [
                self._requests[number] % ROUNDS if sizes[number] else None
                for number in numbers
            ],
            self._are_reused(start, numbers),
        )
        if True in merged.reused:
            self._take_off(merged)
        self.counter.count(self._first_row + start, *merged[1:5])
        return merged

    def _are_reused(self, start: int, numbers: Sequence[int]) -> list[bool]:
        takes = map(bool, self._takes[start : start + len(numbers)])
        if not self._before:
            return [*takes]
        return [
            each or number in self._before
            for each, number in zip(takes, numbers, strict=True)
        ]

    def _take_off(self, merged: Merged) -> None:
        """Take off what reused rows did not cost."""
        saved = []
        for index in compress(range(len(merged.reused)), merged.reused):
            cost = merged.costs[index]
            saved.append(self._before.get(merged.numbers[index], cost))
            merged.usages[index], merged.costs[index] = Usage(), 0
        self.counter.count_reused(saved)

    def _input_row(self, row: int) -> int:
        if row < self._rows:
            return self._first_row + row
        return self._outside[row - self._rows]

    def _merge(self, row: int, number: int) -> int:
        numbers = [number]
        while (number := self._previous[number]) >= 0:
            numbers.append(number)
        numbers.reverse()
        billed: dict[int, int] = {}
        for each in numbers:
            request = self._requests[each]
            if request in billed:
                custom_id = self._ids.name(row, request % ROUNDS)
                self.counter.note("duplicate", custom_id)
            if self._usages[billed.setdefault(request, each)] is None:
                billed[request] = each
        good = (each for each in numbers if self._outcomes[each] is _SUCCEEDED)
        chosen = next(good, numbers[-1])
        costs = [self._costs[each] for each in billed.values()]
        known = [cost for cost in costs if cost is not None]
        usages = [self._usages[each] for each in billed.values()]
        self._usages[chosen] = _sum([each for each in usages if each is not None])
        self._costs[chosen] = sum(known) if len(known) == len(costs) else None
        return chosen

    def _shortened(self, error: str) -> str:
        text = error[:ERROR_CHARACTERS]
        return self._texts.setdefault(text, text)


def _sum(usages: Sequence[Usage]) -> Usage | None:
    if len(usages) <= 1:
        return usages[0] if usages else None
    return Usage(*map(sum, zip(*map(astuple, usages), strict=True)))
