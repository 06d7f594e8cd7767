"""Answers laid out for a file as they are read, and held until it is their turn."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple, Protocol

from ..answers.response_model import Fields
from .row_meta import RowMetas

__all__ = ["Laid", "Pile", "TextPile"]


class Pile(Protocol):
    """Answers as a file wants them; each has a number, from 0, as it came."""

    def __len__(self) -> int: ...

    def add(self, answers: Sequence[Fields], meta: RowMetas) -> None:
        """Lay out answers, at least one, with what is written beside each."""
        ...

    def take(self, numbers: Sequence[int]) -> Any:
        """Return those of these numbers, in this order, as the writer takes them."""
        ...


class Laid(NamedTuple):
    """What was taken from a pile for neighbouring rows."""

    answers: Any
    rows: int


class TextPile:
    """A piece of a line for each answer."""

    def __init__(
        self, lay_out: Callable[[Sequence[Fields], RowMetas], Iterable[bytes]]
    ) -> None:
        self._lay_out = lay_out
        self._pieces: list[bytes] = []

    def __len__(self) -> int:
        return len(self._pieces)

    def add(self, answers: Sequence[Fields], meta: RowMetas) -> None:
        """Lay out answers, at least one, with what is written beside each."""
        self._pieces += self._lay_out(answers, meta)

    def take(self, numbers: Sequence[int]) -> list[bytes]:
        """Return the pieces of these numbers, in this order."""
        return [*map(self._pieces.__getitem__, numbers)]
