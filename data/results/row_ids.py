"""Maps `custom_id`s to rows, and counts those of no row."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence

from ...models import Anomaly
from ..custom_id import row_id

__all__ = ["ROUNDS", "GivenIds", "Ids", "RowIds", "SharedIds"]

ROUNDS = 10**9
"""More than any run has; an ID with a larger round is not ours."""

_SHOWN_IDS = 20
_STRAY, _ELSEWHERE = -1, -2


class Ids(ABC):
    """Finds row and round of a result, and counts stray lines."""

    def __init__(self) -> None:
        self._strays = 0
        self._first_strays: list[str] = []

    @abstractmethod
    def name(self, row: int, round_: int) -> str:
        """Return the ID of a row, counted within the shard, in a round."""

    @abstractmethod
    def _row(self, custom_id: str) -> tuple[int, int]:
        """Return row and round; below 0 for an ID of no row of the shard."""

    @property
    def strays(self) -> Anomaly:
        """Results of no row of the shard."""
        return Anomaly(count=self._strays, first_ids=tuple(self._first_strays))

    def find(self, custom_ids: Sequence[str | None]) -> tuple[list[int], list[int]]:
        """Return row, counted within the shard, and round for each ID.

        The row is below 0 where the ID is of no row of the shard.
        """
        found = [self._row(each or "") for each in custom_ids]
        for (row, _), custom_id in zip(found, custom_ids, strict=True):
            if row == _STRAY:
                self._strays += 1
                if len(self._first_strays) < _SHOWN_IDS:
                    self._first_strays.append(custom_id or "(none)")
        return [row for row, _ in found], [round_ for _, round_ in found]


class RowIds(Ids):
    """IDs that number rows: those of a run, or `row-000000000` of requests alone."""

    def __init__(self, nonce: str | None, first_row: int, rows: int) -> None:
        """Take the IDs of `rows` rows from `first_row` on.

        Args:
            nonce: What the IDs of a run begin with; None without a run.
            first_row: 0-based.
            rows: How many.
        """
        super().__init__()
        self._nonce = nonce
        self._first_row = first_row
        self._rows = rows
        numbers = (
            rf"{nonce}-([0-9]{{9}})-([0-9]{{1,9}})" if nonce else "row-([0-9]{9})()"
        )
        self._usual = re.compile(f"^{numbers}$", re.MULTILINE)

    def name(self, row: int, round_: int) -> str:
        """Return the ID of a row, counted within the shard, in a round."""
        row += self._first_row
        return row_id(self._nonce, row, round_) if self._nonce else f"row-{row:09}"

    def find(self, custom_ids: Sequence[str | None]) -> tuple[list[int], list[int]]:
        """Return row, counted within the shard, and round for each ID."""
        # One search over all of them takes a third of the time of one for each.
        lines = "\n".join([each or "" for each in custom_ids])
        found = self._usual.findall(lines)
        if len(found) == len(custom_ids) == lines.count("\n") + 1:
            rows = [int(row) - self._first_row for row, _ in found]
            if min(rows) >= 0 and max(rows) < self._rows:
                return rows, [int(round_ or 0) for _, round_ in found]
        return super().find(custom_ids)

    def _row(self, custom_id: str) -> tuple[int, int]:
        if found := self._usual.fullmatch(custom_id):
            row = int(found[1]) - self._first_row
            if 0 <= row < self._rows:
                return row, int(found[2] or 0)
        return _STRAY, 0


class SharedIds(RowIds):
    """IDs of a run in which rows share requests: an answer may be for other shards."""

    def __init__(
        self, nonce: str, first_row: int, rows: int, outside: Sequence[int]
    ) -> None:
        """Take the IDs of `rows` rows from `first_row` on.

        Args:
            nonce: What the IDs begin with.
            first_row: 0-based.
            rows: How many.
            outside: Rows of other shards; they are counted after these.
        """
        super().__init__(nonce, first_row, rows)
        self._outside = outside
        self._places = {row: rows + place for place, row in enumerate(outside)}

    def name(self, row: int, round_: int) -> str:
        """Return the ID of a row, counted within the shard, in a round."""
        if row >= self._rows:
            row = self._outside[row - self._rows] - self._first_row
        return super().name(row, round_)

    def _row(self, custom_id: str) -> tuple[int, int]:
        if found := self._usual.fullmatch(custom_id):
            row, round_ = int(found[1]), int(found[2])
            here = row - self._first_row
            if 0 <= here < self._rows:
                return here, round_
            return self._places.get(row, _ELSEWHERE), round_
        return _STRAY, 0


class GivenIds(Ids):
    """IDs that the rows bring along."""

    def __init__(self, rows: Mapping[str, int]) -> None:
        """Take a row for each ID, in the order of the rows."""
        super().__init__()
        self._rows = rows
        self._names = [*rows]

    def name(self, row: int, round_: int) -> str:
        """Return the ID of a row; there is one round."""
        del round_
        return self._names[row]

    def _row(self, custom_id: str) -> tuple[int, int]:
        return self._rows.get(custom_id, _STRAY), 0
