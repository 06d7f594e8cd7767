"""What is written beside every row: how it went, and what it took."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from ..models import Outcome

__all__ = ["RowMeta", "meta_columns"]


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


def meta_columns(rows: Iterable[RowMeta]) -> list[Sequence[Any]]:
    """Return the `META` columns of at least one row."""
    outcomes, *others = zip(*map(msgspec.structs.astuple, rows), strict=True)
    return [[*map(str, outcomes)], *others]
