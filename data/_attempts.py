"""From all result lines of a row to the one answer that counts."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import accumulate

import msgspec

from ..models import BatchResult, Outcome
from ..providers import Format
from ._row_meta import RowMeta
from ._shard_results import ShardResults
from .columns import to_json
from .custom_id import row_id
from .prices import price
from .response_model import Answer, Fields
from .tally import TallyCounter

__all__ = ["Absent", "Attempts", "read_answers"]

Absent = Callable[[int], tuple[Outcome, str]]
"""From a row without a result line to its outcome and the reason."""

# Members of an enum are looked up more slowly than a row is billed.
_SUCCEEDED = Outcome.SUCCEEDED
_SHOWN_RAW = frozenset({Outcome.INVALID, Outcome.TRUNCATED})
_ANSWERED = frozenset(
    {Outcome.SUCCEEDED, Outcome.INVALID, Outcome.REFUSED, Outcome.TRUNCATED}
)


class Attempts:
    """Answers of rows, some at a time; counts and bills on the way."""

    def __init__(
        self,
        found: ShardResults,
        answer: Answer,
        fmt: Format,
        model: str,
        nonce: str,
        absent: Absent,
    ) -> None:
        self.counter = TallyCounter()
        self._found = found
        self._answer = answer
        self._format = fmt
        self._model = model
        self._nonce = nonce
        self._absent = absent

    def answers(self, row: int, most: int) -> tuple[list[Fields], list[RowMeta], int]:
        """Return what counts for some rows, and the bytes that it was read from.

        These are `row` and the ones after it, at least one and no more than `most`.
        The first valid success of a row wins, else its last line; all are billed.
        """
        results, batch_ids, counts, size_bytes = self._found.block(row, most)
        fields, meta = read_answers(
            results, batch_ids, self._answer, self._format, self._model
        )
        if counts.count(1) == len(counts):
            self._count(results, meta)
        else:
            fields, meta = self._merge(row, counts, results, fields, meta)
        self.counter.count(row, meta)
        return fields, meta, size_bytes

    def _merge(
        self,
        row: int,
        counts: list[int],
        results: list[BatchResult],
        fields: list[Fields],
        meta: list[RowMeta],
    ) -> tuple[list[Fields], list[RowMeta]]:
        """Return one answer for each row, whatever the count of its lines."""
        starts = [*accumulate(counts, initial=0)]
        answers: list[Fields] = []
        rows: list[RowMeta] = []
        again: set[int] = set()
        done = 0
        for index, count in enumerate(counts):
            if count == 1:
                continue
            start, stop = starts[index], starts[index + 1]
            answers += fields[done:start]
            rows += meta[done:start]
            done = stop
            if not count:
                answers.append(None)
                rows.append(self._missing(row + index))
            else:
                found = range(start, stop)
                attempts = self._distinct(meta, found)
                again |= {*found} - {*attempts}
                good = (each for each in found if meta[each].outcome is _SUCCEEDED)
                chosen = next(good, stop - 1)
                answers.append(fields[chosen])
                rows.append(_summed(meta[chosen], [meta[each] for each in attempts]))
        answers += fields[done:]
        rows += meta[done:]
        sent = [each for each in range(len(results)) if each not in again]
        self._count([results[each] for each in sent], [meta[each] for each in sent])
        return answers, rows

    def _distinct(self, meta: list[RowMeta], found: Iterable[int]) -> list[int]:
        """Return one line per request sent; more lines for it are duplicates."""
        distinct: dict[tuple[str | None, str], int] = {}
        for index in found:
            key = (meta[index].batch_id, meta[index].custom_id)
            if key in distinct:
                self.counter.odd("duplicate", meta[index].custom_id)
            distinct.setdefault(key, index)
        return [*distinct.values()]

    def _count(self, results: list[BatchResult], meta: list[RowMeta]) -> None:
        """Count of attempts what rows do not show."""
        self.counter.cached([result.usage for result in results])
        if any(_unpriced(row) for row in meta if row.cost_usd is None):
            self.counter.unpriced()

    def _missing(self, row: int) -> RowMeta:
        outcome, error = self._absent(row)
        custom_id = row_id(self._nonce, row, 0)
        if outcome is Outcome.MISSING:
            self.counter.odd("missing", custom_id)
        return RowMeta(outcome, error, None, custom_id)


def read_answers(
    results: Sequence[BatchResult],
    batch_ids: Iterable[str | None],
    answer: Answer,
    fmt: Format,
    model: str | None = None,
) -> tuple[list[Fields], list[RowMeta]]:
    """Validate results and lay them out for a table.

    Args:
        results: Decoded lines.
        batch_ids: One for each.
        answer: Validates them.
        fmt: Has decoded them.
        model: Is billed; by default the one that says it answered.
    """
    fields, errors = answer.validate(results, fmt)
    meta = [
        _meta(result, batch_id, fmt.name, model or result.model)
        for result, batch_id in zip(results, batch_ids, strict=True)
    ]
    for index, error in errors.items():
        result, row = results[index], meta[index]
        row.error = error
        if row.outcome is _SUCCEEDED:
            row.outcome = Outcome.INVALID
        if row.outcome in _SHOWN_RAW:
            row.raw = result.text
            if row.raw is None and result.data is not None:
                row.raw = to_json(result.data).decode()
    return fields, meta


def _meta(
    result: BatchResult, batch_id: str | None, provider: str, billed: str | None
) -> RowMeta:
    usage = result.usage
    if usage is None:
        return RowMeta(result.outcome, None, None, result.custom_id or "", batch_id)
    return RowMeta(
        result.outcome,
        None,
        None,
        result.custom_id or "",
        batch_id,
        usage.input_tokens,
        usage.output_tokens,
        price(provider, billed, usage) if billed else None,
    )


def _summed(row: RowMeta, attempts: list[RowMeta]) -> RowMeta:
    """Return the row with what all of its attempts took."""
    known = [each for each in attempts if each.input_tokens is not None]
    if len(attempts) == 1 or not known:
        return row
    summed = msgspec.structs.replace(row, cost_usd=None)
    summed.input_tokens = sum(each.input_tokens or 0 for each in known)
    summed.output_tokens = sum(each.output_tokens or 0 for each in known)
    if not any(map(_unpriced, attempts)):
        summed.cost_usd = round(sum(each.cost_usd or 0.0 for each in attempts), 12)
    return summed


def _unpriced(row: RowMeta) -> bool:
    """Whether something was paid, and nobody can tell how much."""
    # Only what was answered is billed; without its usage nobody can tell.
    return row.cost_usd is None and (
        row.input_tokens is not None or row.outcome in _ANSWERED
    )
