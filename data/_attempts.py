"""From all result lines of a row to the one answer that counts."""

from __future__ import annotations

from collections.abc import Callable

from ..models import BatchResult, Outcome
from ..providers import Format
from ._result_index import ResultIndex
from ._writers import RowAnswer
from .columns import to_json
from .custom_id import row_id
from .prices import price
from .response_model import Answer
from .tally import TallyCounter

__all__ = ["Absent", "Attempts", "read_answer"]

Absent = Callable[[int], tuple[Outcome, str]]
"""From a row without a result line to its outcome and the reason."""

_Attempt = tuple[BatchResult, str | None]

_ANSWERED = frozenset(
    {Outcome.SUCCEEDED, Outcome.INVALID, Outcome.REFUSED, Outcome.TRUNCATED}
)


class Attempts:
    """Answers row by row; counts and bills on the way."""

    def __init__(
        self,
        index: ResultIndex,
        answer: Answer,
        fmt: Format,
        model: str,
        nonce: str,
        absent: Absent,
    ) -> None:
        self.counter = TallyCounter()
        self._index = index
        self._answer = answer
        self._format = fmt
        self._model = model
        self._nonce = nonce
        self._absent = absent

    def answer(self, row: int) -> tuple[RowAnswer, int]:
        """Return what counts for a row, and the bytes that it was read from.

        The first valid success wins, else the last line; all attempts are billed.
        """
        lines = self._index.lines(row)
        if not lines:
            chosen = self._missing(row)
            self.counter.count(row, chosen.outcome, chosen.error)
            return chosen, 0
        results = []
        size = 0
        for line, batch_id in lines:
            results.append((self._format.decode(line), batch_id))
            size += len(line)
        for result, batch_id in results:
            chosen = read_answer(result, self._answer, self._format, batch_id)
            if chosen.outcome is Outcome.SUCCEEDED:
                break
        self._bill(chosen, self._distinct(results))
        self.counter.count(row, chosen.outcome, chosen.error)
        return chosen, size

    def _distinct(self, results: list[_Attempt]) -> list[BatchResult]:
        """Return one result per request sent; more lines for it are duplicates."""
        if len(results) == 1:
            return [results[0][0]]
        distinct: dict[tuple[str | None, str | None], BatchResult] = {}
        for result, batch_id in results:
            key = (batch_id, result.custom_id)
            if key in distinct:
                self.counter.odd("duplicate", result.custom_id or "")
            distinct.setdefault(key, result)
        return list(distinct.values())

    def _bill(self, row: RowAnswer, results: list[BatchResult]) -> None:
        """Count what all attempts of a row took, and write it beside the row."""
        cost: float | None = 0.0
        for result in results:
            usage = result.usage
            if usage is None:
                # Only what was answered is billed; without its usage nobody can tell.
                paid = None if result.outcome in _ANSWERED else 0.0
            else:
                paid = price(self._format.name, self._model, usage)
                row.input_tokens = (row.input_tokens or 0) + usage.input_tokens
                row.output_tokens = (row.output_tokens or 0) + usage.output_tokens
            self.counter.bill(usage, paid)
            cost = None if cost is None or paid is None else cost + paid
        if row.input_tokens is not None and cost is not None:
            row.cost_usd = round(cost, 12)

    def _missing(self, row: int) -> RowAnswer:
        outcome, error = self._absent(row)
        custom_id = row_id(self._nonce, row, 0)
        if outcome is Outcome.MISSING:
            self.counter.odd("missing", custom_id)
        return RowAnswer(custom_id, outcome, error=error)


def read_answer(
    result: BatchResult, answer: Answer, fmt: Format, batch_id: str | None = None
) -> RowAnswer:
    """Validate one result and lay it out for a table; usage is the caller's."""
    row = RowAnswer(result.custom_id or "", result.outcome, batch_id=batch_id)
    row.error = result.error
    if result.outcome is Outcome.SUCCEEDED:
        row.fields, error = answer.validate(result, fmt)
        if error is not None:
            row.outcome, row.error = Outcome.INVALID, error
    if row.outcome in {Outcome.INVALID, Outcome.TRUNCATED}:
        row.raw = result.text
        if row.raw is None and result.data is not None:
            row.raw = to_json(result.data).decode()
    return row
