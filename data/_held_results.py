"""The results of an ordinary shard, decoded as they are read and held by row."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from itertools import accumulate, filterfalse
from typing import Any

from ..models import Anomaly, BatchResult
from ..providers import Format
from ._row_results import ResultFile, RowIds, RowResults

__all__ = ["HeldResults"]

_READ_BYTES = 1 << 18
_BLOCK_BYTES = 1 << 20


class HeldResults:
    """Results by row, in the order of their files."""

    def __init__(
        self,
        files: Sequence[ResultFile],
        fmt: Format,
        nonce: str,
        first_row: int,
        rows: int,
    ) -> None:
        self._decode = fmt.decode
        self._first_row = first_row
        self._ids = RowIds(nonce, first_row, rows)
        self._sizes = array("q", [0]) * rows
        # A row's only result and its batch; where there are more, all of them.
        self._one: list[BatchResult | None] = [None] * rows
        self._batch_ids: list[str | None] = [None] * rows
        self._more: dict[int, list[tuple[BatchResult, str | None]]] = {}
        for file in files:
            with file.path.open("rb", buffering=_READ_BYTES) as opened:
                while lines := opened.readlines(_READ_BYTES):
                    self._hold(lines, file.batch_id)

    @property
    def foreign(self) -> Anomaly:
        """Lines that answer none of our rows."""
        return self._ids.foreign

    def block(self, row: int, most: int) -> RowResults:
        """Return the results of some rows, at least one, and of no more than `most`."""
        start = row - self._first_row
        sizes = self._sizes[start : start + most]
        size = sum(sizes)
        if size > _BLOCK_BYTES:
            sums = enumerate(accumulate(sizes), 1)
            most, size = next(each for each in sums if each[1] > _BLOCK_BYTES)
        results: list[Any] = self._one[start : start + most]
        batch_ids = self._batch_ids[start : start + most]
        counts = [1] * len(results)
        if not all(results):
            others = [n for n, result in enumerate(results) if result is None]
            for index in reversed(others):
                held = self._more.get(start + index, [])
                results[index : index + 1] = [result for result, _ in held]
                batch_ids[index : index + 1] = [batch_id for _, batch_id in held]
                counts[index] = len(held)
        return RowResults(results, batch_ids, counts, size)

    def _hold(self, read: list[bytes], batch_id: str | None) -> None:
        lines = [*filterfalse(bytes.isspace, read)]
        results = [*map(self._decode, lines)]
        rows = self._ids.rows([result.custom_id for result in results])
        sizes, ones = self._sizes, self._one
        for row, result, line in zip(rows, results, lines, strict=True):
            if row < 0:
                continue
            if not sizes[row]:
                ones[row], self._batch_ids[row] = result, batch_id
            else:
                if (one := ones[row]) is not None:
                    self._more[row] = [(one, self._batch_ids[row])]
                    ones[row] = None
                self._more[row].append((result, batch_id))
            sizes[row] += len(line)
