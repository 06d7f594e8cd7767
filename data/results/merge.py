"""From all result lines of a row to the one answer that counts."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import msgspec

from ...models import BatchResult, Outcome
from ...providers import Format
from ..answers.response_model import Answer, Fields
from ..columns import to_json
from ..custom_id import row_id
from ..prices import price_of
from .row_meta import RowMeta, RowMetas
from .tally import TallyCounter, is_unpriced

__all__ = ["Absent", "Reading", "merge", "read_answers"]

Absent = Callable[[int], tuple[Outcome, str]]
"""From a row without a result line to its outcome and the reason."""

# Members of an enum are looked up more slowly than a row is billed.
_SUCCEEDED = Outcome.SUCCEEDED
_SHOWN_RAW = frozenset({Outcome.INVALID, Outcome.TRUNCATED})


@dataclass(frozen=True, slots=True)
class Reading:
    """How the results of a shard are read."""

    answer: Answer
    fmt: Format
    model: str
    """Is billed."""
    nonce: str
    """What the custom IDs begin with."""
    absent: Absent

    @property
    def vectors(self) -> bool:
        """Whether the answers are embeddings."""
        return "vector" in self.answer.columns.values()

    def read(
        self, results: Sequence[BatchResult], batch_ids: Iterable[str | None]
    ) -> tuple[list[Fields], RowMetas]:
        """Return the answers, validated, and what is written beside each."""
        return read_answers(results, batch_ids, self.answer, self.fmt, self.model)

    def missing(self, row: int, counter: TallyCounter) -> RowMeta:
        """Return what is written for a row without any result."""
        outcome, error = self.absent(row)
        custom_id = row_id(self.nonce, row, 0)
        if outcome is Outcome.MISSING:
            counter.odd("missing", custom_id)
        return RowMeta(outcome, error, None, custom_id)


def merge(
    meta: Sequence[RowMeta], counter: TallyCounter
) -> tuple[int, RowMeta, list[int]]:
    """Return which result of a row counts, what all took, and which are billed.

    The first valid success wins, else the last line; every request sent is billed
    once. More lines for one request are duplicates.

    Args:
        meta: Of the row's results, oldest first.
        counter: Counts the duplicates.
    """
    distinct: dict[tuple[str | None, str], int] = {}
    for index, each in enumerate(meta):
        key = (each.batch_id, each.custom_id)
        if key in distinct:
            counter.odd("duplicate", each.custom_id)
        distinct.setdefault(key, index)
    sent = [*distinct.values()]
    good = (index for index, each in enumerate(meta) if each.outcome is _SUCCEEDED)
    chosen = next(good, len(meta) - 1)
    return chosen, _summed(meta[chosen], [meta[index] for index in sent]), sent


def read_answers(
    results: Sequence[BatchResult],
    batch_ids: Iterable[str | None],
    answer: Answer,
    fmt: Format,
    model: str | None = None,
) -> tuple[list[Fields], RowMetas]:
    """Return the answers, validated, and what is written beside each.

    Args:
        results: Decoded lines.
        batch_ids: One for each.
        answer: Validates them.
        fmt: Has decoded them.
        model: Is billed; by default the one that says it answered.
    """
    fields, errors = answer.validate(results, fmt)
    meta = _bill(results, batch_ids, fmt.name, model)
    for index, error in errors.items():
        meta.errors[index] = error
        if meta.outcomes[index] is _SUCCEEDED:
            meta.outcomes[index] = Outcome.INVALID
        if meta.outcomes[index] in _SHOWN_RAW:
            result = results[index]
            if result.text is None and result.data is not None:
                meta.raws[index] = to_json(result.data).decode()
            else:
                meta.raws[index] = result.text
    return fields, meta


def _bill(
    results: Sequence[BatchResult],
    batch_ids: Iterable[str | None],
    provider: str,
    model: str | None,
) -> RowMetas:
    usages = [result.usage for result in results]
    if model:
        costs_usd = [*map(price_of(provider, model), usages)]
    else:
        costs_usd = [
            price_of(provider, result.model)(result.usage) if result.model else None
            for result in results
        ]
    return RowMetas(
        [result.outcome for result in results],
        [None] * len(results),
        [None] * len(results),
        [result.custom_id or "" for result in results],
        [*batch_ids],
        [None if usage is None else usage.input_tokens for usage in usages],
        [None if usage is None else usage.output_tokens for usage in usages],
        costs_usd,
    )


def _summed(row: RowMeta, attempts: list[RowMeta]) -> RowMeta:
    """Return the row with what all of its attempts took."""
    known = [each for each in attempts if each.input_tokens is not None]
    if len(attempts) == 1 or not known:
        return row
    summed = msgspec.structs.replace(row, cost_usd=None)
    summed.input_tokens = sum(each.input_tokens or 0 for each in known)
    summed.output_tokens = sum(each.output_tokens or 0 for each in known)
    if not any(map(is_unpriced, attempts)):
        summed.cost_usd = round(sum(each.cost_usd or 0.0 for each in attempts), 12)
    return summed
