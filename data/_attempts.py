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

__all__ = ["Absent", "Attempts"]

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
        cost: float | None = None
        for line, batch_id in self._index.lines(row):
            size += len(line)
            result = self._format.decode(line)
            attempt = (batch_id, result.custom_id)
            if attempt in seen:
                self.counter.odd("duplicate", result.custom_id or "")
            else:
                seen.add(attempt)
                paid = self._bill(result)
                if result.usage is not None:
                    total.input_tokens += result.usage.input_tokens
                    total.output_tokens += result.usage.output_tokens
                if paid is not None:
                    cost = (cost or 0.0) + paid
            if chosen is None or chosen.outcome is not Outcome.SUCCEEDED:
                chosen = self._read(result, batch_id)
        if chosen is None:
            chosen = self._missing(row)
        elif total.input_tokens or total.output_tokens:
            chosen.input_tokens = total.input_tokens
            chosen.output_tokens = total.output_tokens
            chosen.cost_usd = None if cost is None else round(cost, 12)
        self.counter.count(row, chosen.outcome, chosen.error)
        return chosen, size

    def _bill(self, result: BatchResult) -> float | None:
        if result.usage is None:
            # Only what was answered is billed; without its usage nobody can tell.
            self.counter.bill(None, None if result.outcome in _ANSWERED else 0.0)
            return None
        cost = price(self._format.name, self._model, result.usage)
        self.counter.bill(result.usage, cost)
        return cost

    def _read(self, result: BatchResult, batch_id: str | None) -> RowAnswer:
        answer = RowAnswer(result.custom_id or "", result.outcome, batch_id=batch_id)
        answer.error = result.error
        if result.outcome is Outcome.SUCCEEDED:
            answer.fields, error = self._answer.validate(result, self._format)
            if error is not None:
                answer.outcome, answer.error = Outcome.INVALID, error
        if answer.outcome in {Outcome.INVALID, Outcome.TRUNCATED}:
            answer.raw = result.text
            if answer.raw is None and result.data is not None:
                answer.raw = to_json(result.data).decode()
        return answer

    def _missing(self, row: int) -> RowAnswer:
        outcome, error = self._absent(row)
        custom_id = row_id(self._nonce, row, 0)
        if outcome is Outcome.MISSING:
            self.counter.odd("missing", custom_id)
        return RowAnswer(custom_id, outcome, error=error)
