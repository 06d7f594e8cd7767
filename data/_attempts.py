"""From all result lines of a row to the one answer that counts."""

from __future__ import annotations

from collections.abc import Callable

from ..models import BatchResult, Outcome, Usage
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
        chosen: RowAnswer | None = None
        seen: set[tuple[str | None, str | None]] = set()
        size = 0
        total = Usage()
        cost: float | None = 0.0
        for line, batch_id in self._index.lines(row):
            size += len(line)
            result = self._format.decode(line)
            attempt = (batch_id, result.custom_id)
            if attempt in seen:
                self.counter.odd("duplicate", result.custom_id or "")
            else:
                seen.add(attempt)
                paid = self._bill(result)
                cost = None if cost is None or paid is None else cost + paid
                if result.usage is not None:
                    total.input_tokens += result.usage.input_tokens
                    total.output_tokens += result.usage.output_tokens
            if chosen is None or chosen.outcome is not Outcome.SUCCEEDED:
                chosen = read_answer(result, self._answer, self._format, batch_id)
        if chosen is None:
            chosen = self._missing(row)
        elif total.input_tokens or total.output_tokens:
            chosen.input_tokens = total.input_tokens
            chosen.output_tokens = total.output_tokens
            chosen.cost_usd = None if cost is None else round(cost, 12)
        self.counter.count(row, chosen.outcome, chosen.error)
        return chosen, size

    def _bill(self, result: BatchResult) -> float | None:
        if result.usage is not None:
            cost = price(self._format.name, self._model, result.usage)
        else:
            # Only what was answered is billed; without its usage nobody can tell.
            cost = None if result.outcome in _ANSWERED else 0.0
        self.counter.bill(result.usage, cost)
        return cost

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
