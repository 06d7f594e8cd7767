"""What is written beside every row: how it went, and what it took."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from operator import attrgetter
from typing import Any

import msgspec
from msgspec.structs import astuple

from ...models import Outcome

__all__ = ["RowMeta", "RowMetas"]

_WORDS = {outcome: str(outcome) for outcome in Outcome}


class RowMeta(msgspec.Struct, gc=False, rename="_{}".format):
    """The `META` columns of one row, in their order and, as JSON, by their names."""

    outcome: Outcome
    error: str | None = None
    raw: str | None = None
    custom_id: str = ""
    batch_id: str | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None
    cost_usd: float | None = None


class RowMetas(msgspec.Struct):
    """The same of many rows, column by column, as they are counted and written."""

    outcomes: list[Outcome]
    errors: list[str | None]
    raws: list[str | None]
    custom_ids: list[str]
    batch_ids: list[str | None]
    input_tokens: list[int | None]
    output_tokens: list[int | None]
    costs_usd: list[float | None]

    @classmethod
    def of(cls, rows: Iterable[RowMeta]) -> RowMetas:
        """Return the columns of rows."""
        held = [*rows]
        names = RowMeta.__struct_fields__
        return cls(*([*map(attrgetter(name), held)] for name in names))

    def __len__(self) -> int:
        return len(self.outcomes)

    def __iter__(self) -> Iterator[RowMeta]:
        return map(RowMeta, *astuple(self))

    def pop(self, index: int) -> RowMeta:
        """Take a row out."""
        return RowMeta(*[column.pop(index) for column in astuple(self)])

    def extend(self, others: RowMetas) -> None:
        """Append further rows."""
        for column, more in zip(astuple(self), astuple(others), strict=True):
            column.extend(more)

    def columns(self) -> list[Sequence[Any]]:
        """Return what stands in the columns."""
        outcomes, *others = astuple(self)
        return [[_WORDS[outcome] for outcome in outcomes], *others]
