"""Maps custom_ids to rows of the shard."""

from __future__ import annotations

import re
from collections.abc import Sequence

from ...models import Anomaly
from ..custom_id import parse_row_id

__all__ = ["ROUNDS", "RowIds"]

ROUNDS = 10**9
"""More than any run has; an ID with a larger round is not ours."""

_SHOWN_IDS = 20


class RowIds:
    """Finds row and round of a result, and counts stray lines."""

    def __init__(self, nonce: str, first_row: int, rows: int) -> None:
        """Take the IDs that begin with `nonce`, of `rows` rows from `first_row` on."""
        self._nonce = nonce
        self._first_row = first_row
        self._rows = rows
        self._strays = 0
        self._first_strays: list[str] = []
        self._usual = re.compile(
            rf"^{nonce}-([0-9]{{9}})-([0-9]{{1,9}})$", re.MULTILINE
        )

    @property
    def strays(self) -> Anomaly:
        """Results of no row of the shard."""
        return Anomaly(count=self._strays, first_ids=tuple(self._first_strays))

    def find(self, custom_ids: Sequence[str | None]) -> tuple[list[int], list[int]]:
        """Return row, counted within the shard, and round for each ID.

        The row is -1 where the ID is of no row of the shard.
        """
        # One search over all of them takes a third of the time of one for each.
        lines = "\n".join([each or "" for each in custom_ids])
        found = self._usual.findall(lines)
        if len(found) == len(custom_ids) == lines.count("\n") + 1:
            rows = [int(row) - self._first_row for row, _ in found]
            if min(rows) >= 0 and max(rows) < self._rows:
                return rows, [int(round_) for _, round_ in found]
        pairs = [*map(self._find_one, custom_ids)]
        return [row for row, _ in pairs], [round_ for _, round_ in pairs]

    def _find_one(self, custom_id: str | None) -> tuple[int, int]:
        row, round_ = parse_row_id(custom_id, self._nonce) or (-1, 0)
        row -= self._first_row
        if 0 <= row < self._rows and round_ < ROUNDS:
            return row, round_
        self._strays += 1
        if len(self._first_strays) < _SHOWN_IDS:
            self._first_strays.append(custom_id or "(none)")
        return -1, 0
