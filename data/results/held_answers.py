"""The answers of an ordinary shard: laid out as they are read, and held by row."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import filterfalse

from ...models import Anomaly, BatchResult, Outcome
from ..collector import paused_collector
from ..tables.writers import Writer
from .merge import Reading, merge
from .piles import Laid
from .row_meta import RowMeta, RowMetas
from .row_results import ResultFile, RowIds
from .tally import TallyCounter

__all__ = ["HeldAnswers", "NotOrdinaryError"]

_READ_BYTES = 1 << 18
"""So much is still in the processor's cache when it is laid out."""

_SUCCEEDED = Outcome.SUCCEEDED
_MISSING, _FAILED = -1, -2

_CHANGED_ROWS = 1000
"""Laid out once more at a time; their answers are validated again."""

_KEPT_CHARACTERS = 4 << 20
"""Of refused answers; ordinarily there are few."""


class NotOrdinaryError(Exception):
    """A row that had a valid answer got another result, or too much was refused."""


@dataclass(frozen=True, slots=True)
class _Result:
    """A result of a row whose first one was no valid answer."""

    number: int
    meta: RowMeta
    result: BatchResult


class HeldAnswers:
    """Answers that wait for their rows as what is written of them, and no more."""

    def __init__(
        self,
        files: Sequence[ResultFile],
        reading: Reading,
        first_row: int,
        rows: int,
        writer: Writer,
    ) -> None:
        """Read all files, first round first.

        Raises:
            NotOrdinaryError: What is held would not be enough to tell what counts.
        """
        self.counter = TallyCounter()
        self._reading = reading
        self._first_row = first_row
        self._ids = RowIds(reading.nonce, first_row, rows)
        self._pile = writer.pile()
        # Of each row, the number in the pile of what is written.
        self._number_of = array("i", [_MISSING]) * rows
        self._answered = 0
        self._failed: dict[int, list[_Result]] = {}
        self._kept_characters = 0
        size = 1
        for file in files:
            size += file.path.stat().st_size
            with file.path.open("rb", buffering=_READ_BYTES) as opened:
                while lines := opened.readlines(_READ_BYTES):
                    with paused_collector():
                        self._read(lines, file.batch_id)
        self._settle()
        self._most = max(1, writer.block_bytes * rows // size)

    @property
    def foreign(self) -> Anomaly:
        """Lines that answer none of our rows."""
        return self._ids.foreign

    def block(self, row: int, most: int) -> Laid:
        """Return what is written for some rows, at least one, at most `most`."""
        start = row - self._first_row
        stop = start + min(most, self._most)
        return Laid(self._pile.take(self._number_of[start:stop]), stop - start)

    def _read(self, lines: list[bytes], batch_id: str | None) -> None:
        results = self._reading.fmt.decode_all(filterfalse(bytes.isspace, lines))
        rows = self._ids.rows([result.custom_id for result in results])
        if -1 in rows:
            results = [
                each for each, row in zip(results, rows, strict=True) if row >= 0
            ]
            rows = [row for row in rows if row >= 0]
        if not results:
            return
        answers, meta = self._reading.read(results, [batch_id] * len(results))
        first = len(self._pile)
        self._pile.add(answers, meta)
        numbers = [*range(first, len(self._pile))]
        odd = [
            (rows.pop(index), numbers.pop(index), meta.pop(index), results.pop(index))
            for index in reversed(self._odd(rows, meta.outcomes))
        ]
        for row, *result in reversed(odd):
            self._keep(row, _Result(*result))
        for row, number in zip(rows, numbers, strict=True):
            self._number_of[row] = number
        self._answered += len(rows)
        self.counter.count(meta)
        self.counter.bill(results, meta)

    def _odd(self, rows: Sequence[int], outcomes: Sequence[Outcome]) -> list[int]:
        """Return the indexes of results of rows that had a failure, or have one now."""
        failed = self._failed.keys() & rows
        if outcomes.count(_SUCCEEDED) < len(rows):
            pairs = zip(rows, outcomes, strict=True)
            failed.update(row for row, outcome in pairs if outcome is not _SUCCEEDED)
        if not failed:
            return []
        return [index for index, row in enumerate(rows) if row in failed]

    def _keep(self, row: int, result: _Result) -> None:
        self._kept_characters += len(result.meta.raw or "")
        if self._number_of[row] >= 0 or self._kept_characters > _KEPT_CHARACTERS:
            raise NotOrdinaryError
        self._number_of[row] = _FAILED
        self._failed.setdefault(row, []).append(result)

    def _settle(self) -> None:
        """Find what is written of each row that has no answer yet."""
        unanswered = self._number_of.count(_MISSING) + len(self._failed)
        if len(self._number_of) - unanswered < self._answered:
            raise NotOrdinaryError  # a row has several answers
        settled: dict[int, RowMeta] = {}
        changed: list[tuple[int, BatchResult | None]] = []
        billed: list[_Result] = []
        for row, number in enumerate(self._number_of):
            if number == _MISSING:
                at = self._first_row + row
                settled[row] = self._reading.missing(at, self.counter)
                changed.append((row, None))
            elif number == _FAILED:
                found = self._failed[row]
                which, settled[row], sent = merge(
                    [each.meta for each in found], self.counter
                )
                chosen = found[which]
                billed += [found[index] for index in sent]
                self._number_of[row] = chosen.number
                if settled[row] is not chosen.meta:
                    changed.append((row, chosen.result))
        for start in range(0, len(changed), _CHANGED_ROWS):
            self._change(changed[start : start + _CHANGED_ROWS], settled)
        self.counter.count(RowMetas.of(settled.values()))
        self.counter.bill(
            [each.result for each in billed], RowMetas.of(each.meta for each in billed)
        )
        for row, meta in settled.items():
            self.counter.fail(self._first_row + row, meta)

    def _change(
        self, rows: Sequence[tuple[int, BatchResult | None]], meta: dict[int, RowMeta]
    ) -> None:
        """Lay out rows once more, with what all of their results took."""
        found = [result for _, result in rows if result is not None]
        answers = iter(self._reading.read(found, [None] * len(found))[0])
        for number, (row, _) in enumerate(rows, len(self._pile)):
            self._number_of[row] = number
        self._pile.add(
            [None if result is None else next(answers) for _, result in rows],
            RowMetas.of(meta[row] for row, _ in rows),
        )
