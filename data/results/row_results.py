"""What the results of a shard are found by, wherever they are."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ...models import Anomaly
from ..custom_id import parse_row_id

__all__ = ["ResultFile", "RowIds"]

_SHOWN_IDS = 20


@dataclass(frozen=True, slots=True)
class ResultFile:
    """Raw result lines of one batch, as downloaded."""

    path: Path
    batch_id: str | None


class RowIds:
    """Finds the row of a result in its shard, and counts what is of no row."""

    def __init__(self, nonce: str, first_row: int, rows: int) -> None:
        self._nonce = nonce
        self._first_row = first_row
        self._rows = rows
        self._foreign = 0
        self._first_foreign: list[str] = []
        self._ordinary = re.compile(rf"^{nonce}-([0-9]{{9}})-[0-9]+$", re.MULTILINE)

    @property
    def foreign(self) -> Anomaly:
        """Results of none of our rows."""
        return Anomaly(count=self._foreign, first_ids=tuple(self._first_foreign))

    def rows(self, custom_ids: Sequence[str | None]) -> list[int]:
        """Return for each id the row within the shard; -1 where there is none."""
        lines = "\n".join([each or "" for each in custom_ids])
        found = self._ordinary.findall(lines)
        if len(found) == len(custom_ids) == lines.count("\n") + 1:
            rows = [int(row) - self._first_row for row in found]
            if min(rows) >= 0 and max(rows) < self._rows:
                return rows
        return [*map(self._row, custom_ids)]

    def _row(self, custom_id: str | None) -> int:
        parsed = parse_row_id(custom_id, self._nonce)
        row = -1 if parsed is None else parsed[0] - self._first_row
        if 0 <= row < self._rows:
            return row
        self._foreign += 1
        if len(self._first_foreign) < _SHOWN_IDS:
            self._first_foreign.append(custom_id or "(none)")
        return -1
