"""A few of many rows, and how often values occur, in bounded memory."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Generic, TypeVar

__all__ = ["Histogram", "Sample"]

Item = TypeVar("Item")

_BINS = 1024
_SHOWN_BINS = 32


@dataclass(slots=True)
class _Every(Generic[Item]):
    """Every first, second, fourth ... item, so that at most so many are kept."""

    most: int
    kept: list[Item] = field(default_factory=list)
    step: int = 1
    seen: int = 0

    def is_next(self) -> bool:
        self.seen += 1
        return (self.seen - 1) % self.step == 0

    def add(self, item: Item) -> None:
        self.kept.append(item)
        if len(self.kept) > self.most:
            self.halve()

    def halve(self) -> None:
        self.kept = self.kept[::2] if len(self.kept) > 1 else []
        self.step *= 2


class Sample(Generic[Item]):
    """At most so many rows, spread evenly; those that failed go before the others.

    The same rows give the same sample.
    """

    def __init__(self, most: int) -> None:
        """Begin with no rows."""
        self._most = most
        self._failed: _Every[Item] = _Every(most)
        self._succeeded: _Every[Item] = _Every(most)

    def takes(self, *, succeeded: bool) -> bool:
        """Count the next row, and return whether `add` is to be called with it."""
        return (self._succeeded if succeeded else self._failed).is_next()

    def add(self, item: Item, *, succeeded: bool) -> None:
        """Take in a row."""
        (self._succeeded if succeeded else self._failed).add(item)

    def items(self) -> list[Item]:
        """Return the sample, those that failed first."""
        if self._failed.step > 1:
            return self._failed.kept
        while len(self._failed.kept) + len(self._succeeded.kept) > self._most:
            self._succeeded.halve()
        return self._failed.kept + self._succeeded.kept


class Histogram:
    """Counts of values from 0 on, in bins of one width, which grows with the values."""

    def __init__(self, width: float = 1) -> None:
        """Begin with bins of this width."""
        self._width = width
        self._counts: list[int] = []

    def add(self, value: float) -> None:
        """Count a value."""
        while (index := int(value / self._width)) >= _BINS:
            self._width *= 2
            self._counts = _grouped(self._counts, 2)
        self._counts += [0] * (index + 1 - len(self._counts))
        self._counts[index] += 1

    def bins(self) -> tuple[float, float, list[int]]:
        """Return start, width and counts of at most 32 bins that hold all values."""
        first = next((n for n, count in enumerate(self._counts) if count), 0)
        size = max(1, -(-(len(self._counts) - first) // _SHOWN_BINS))
        counts = _grouped(self._counts[first:], size)
        return first * self._width, size * self._width, counts


def _grouped(counts: list[int], size: int) -> list[int]:
    return [sum(counts[at : at + size]) for at in range(0, len(counts), size)]
