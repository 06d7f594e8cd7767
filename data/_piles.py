"""Answers laid out for a file as they are read, and held until it is their turn."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple, Protocol

__all__ = ["Laid", "Pile", "TextPile"]


class Pile(Protocol):
    """Values as a file wants them; each has a number, from 0, as it came."""

    def __len__(self) -> int: ...

    def add(self, values: Sequence[Any]) -> None:
        """Lay out values, at least one."""
        ...

    def take(self, numbers: Sequence[int]) -> Any:
        """Return those of these numbers, in this order, as the writer takes them."""
        ...


class Laid(NamedTuple):
    """What was taken from the piles for neighbouring rows."""

    answers: Any
    metas: Any
    rows: int


class TextPile:
    """A piece of a line for each value."""

    def __init__(self, lay_out: Callable[[Sequence[Any]], Iterable[bytes]]) -> None:
        self._lay_out = lay_out
        self._pieces: list[bytes] = []

    def __len__(self) -> int:
        return len(self._pieces)

    def add(self, values: Sequence[Any]) -> None:
        """Lay out values, at least one."""
        self._pieces += self._lay_out(values)

    def take(self, numbers: Sequence[int]) -> list[bytes]:
        """Return the pieces of these numbers, in this order."""
        return [*map(self._pieces.__getitem__, numbers)]
