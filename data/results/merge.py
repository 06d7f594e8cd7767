"""Chooses, from all results of a row, the one that counts."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

from msgspec.structs import astuple

from ...models import Outcome, Usage
from .block import Block, row_columns
from .row_ids import ROUNDS, Ids
from .tally import ERROR_CHARACTERS, TallyCounter

__all__ = ["Absent", "Merged", "RowResults"]

Absent = Callable[[int], tuple[Outcome, str]]
"""From a row without a result line to its outcome and the error."""

_SUCCEEDED = Outcome.SUCCEEDED
_BLOCK_ROWS = 1000


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

    def columns(self) -> dict[str, Sequence[Any]]:
        """Return the values of `ROW_COLUMNS`."""
        return row_columns(self.usages, self.costs, self.rounds)


class RowResults:
    """Numbers of each row's results; some 200 bytes a result, whatever its size.

    The first valid success counts, else the last result. Every request is billed once;
    further lines for it are duplicates.
    """

    def __init__(self, ids: Ids, first_row: int, rows: int) -> None:
        """Begin without results; rows are counted within the shard."""
        self.counter = TallyCounter()
        self._ids = ids
        self._first_row = first_row
        # Of each row its last result, of each result the one before it of its row.
        self._last = array("i", [-1]) * rows
        self._previous = array("i")
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
    ) -> None:
        """Number further results; of a row the oldest come first.

        Args:
            rows: Of each result, within the shard.
            rounds: Of each result.
            sizes: Bytes of each result's line.
            block: The results.
        """
        last, previous = self._last, self._previous
        for number, row in enumerate(rows, len(previous)):
            previous.append(last[row])
            last[row] = number
        batch = self._batches.setdefault(block.batch_id, len(self._batches)) * ROUNDS
        self._requests.extend([batch + round_ for round_ in rounds])
        self._sizes.extend(sizes)
        self._outcomes += block.outcomes
        self._usages += block.usages
        self._costs += block.costs
        self._errors += [error and self._shortened(error) for error in block.errors]

    def add_missing(self, absent: Absent) -> Iterator[Block]:
        """Give each row without a result one that says so; yield them."""
        rows = [row for row, number in enumerate(self._last) if number < 0]
        for start in range(0, len(rows), _BLOCK_ROWS):
            some = rows[start : start + _BLOCK_ROWS]
            nothing = [None] * len(some)
            said = [absent(self._first_row + row) for row in some]
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
            for outcome, custom_id in zip(outcomes, block.custom_ids, strict=True):
                if outcome is Outcome.MISSING:
                    self.counter.note("missing", custom_id)
            yield block

    def merge(self) -> None:
        """Choose the result of each row that counts; each row must have one."""
        for row, number in enumerate(self._last):
            if self._previous[number] >= 0:
                self._last[row] = self._merge(row, number)

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
        )
        self.counter.count(self._first_row + start, *merged[1:5])
        return merged

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
