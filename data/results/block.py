"""Results of consecutive lines, validated, column by column."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import compress
from typing import Any

from ...models import BatchResult, Outcome, Usage
from ...providers import Format
from ..answers.response_model import AnswerReader, Fields
from ..columns import to_json
from ..prices import REALTIME, is_billed, price_of
from .long_lines import LONG
from .tally import UNITS

__all__ = ["Block", "Reading", "gather", "row_columns"]

_WORDS = {outcome: str(outcome) for outcome in Outcome}
# Looking up a member of an enum takes longer than counting a row.
_SUCCEEDED = Outcome.SUCCEEDED
_SHOWN_RAW = frozenset({Outcome.INVALID, Outcome.TRUNCATED})


@dataclass(slots=True)
class Block:
    """What is written of some results, and what counting them needs."""

    fields: list[Fields]
    outcomes: list[Outcome]
    errors: list[str | None]
    raws: list[str | bytes | None]
    """Answers that are not valid; a long one is UTF-8."""
    custom_ids: list[str]
    batch_id: str | None
    usages: list[Usage | None]
    costs: list[int | None]
    """In 1e-12 USD, 0 where nothing is billed; None: unknown."""

    def __len__(self) -> int:
        return len(self.outcomes)

    def columns(self) -> dict[str, list[Any]]:
        """Return the values of `RESULT_COLUMNS`."""
        return {
            "_outcome": [_WORDS[outcome] for outcome in self.outcomes],
            "_error": self.errors,
            "_raw": self.raws,
            "_custom_id": self.custom_ids,
            "_batch_id": [self.batch_id] * len(self),
        }

    def extend(self, more: Block) -> None:
        """Append further results of the same batch."""
        self.fields += more.fields
        self.outcomes += more.outcomes
        self.errors += more.errors
        self.raws += more.raws
        self.custom_ids += more.custom_ids
        self.usages += more.usages
        self.costs += more.costs

    def failures(self) -> Block:
        """Return the results that are no valid answer."""
        failed = [outcome is not _SUCCEEDED for outcome in self.outcomes]
        return Block(
            [*compress(self.fields, failed)],
            [*compress(self.outcomes, failed)],
            [*compress(self.errors, failed)],
            [*compress(self.raws, failed)],
            [*compress(self.custom_ids, failed)],
            self.batch_id,
            [*compress(self.usages, failed)],
            [*compress(self.costs, failed)],
        )


def gather(blocks: Iterable[tuple[Block, int]], size_bytes: int) -> Iterator[Block]:
    """Put consecutive blocks of one batch together.

    Args:
        blocks: Each with the size of its lines.
        size_bytes: A block is yielded when its lines have reached this size.
    """
    gathered: list[Block] = []
    size = 0
    for block, more in blocks:
        if gathered:
            gathered[0].extend(block)
        else:
            gathered.append(block)
        del block
        size += more
        if size >= size_bytes:
            size = 0
            yield gathered.pop()
    yield from gathered


def row_columns(
    usages: Iterable[Usage | None],
    costs: Iterable[int | None],
    rounds: Sequence[int | None],
) -> dict[str, Sequence[Any]]:
    """Return the values of `ROW_COLUMNS` from what rows took, and who answered."""
    known = [*usages]
    return {
        "_input_tokens": [each and each.input_tokens for each in known],
        "_output_tokens": [each and each.output_tokens for each in known],
        "_cost_usd": [
            None if usage is None or cost is None else cost / UNITS
            for usage, cost in zip(known, costs, strict=True)
        ],
        "_round": rounds,
    }


@dataclass(frozen=True, slots=True)
class Reading:
    """How decoded results are validated and priced."""

    answer: AnswerReader
    fmt: Format
    model: str | None = None
    """Model whose price applies; None: the one that says it answered."""

    def read(self, results: Sequence[BatchResult], batch_id: str | None) -> Block:
        """Return the results, validated."""
        fields, errors = self.answer.validate(results, self.fmt)
        outcomes = [result.outcome for result in results]
        texts: list[str | None] = [None] * len(results)
        raws: list[str | bytes | None] = [None] * len(results)
        for index, error in errors.items():
            texts[index] = error
            if outcomes[index] is _SUCCEEDED:
                outcomes[index] = Outcome.INVALID
            if outcomes[index] in _SHOWN_RAW:
                raws[index] = _raw(results[index])
        return Block(
            fields,
            outcomes,
            texts,
            raws,
            [result.custom_id or "" for result in results],
            batch_id,
            [result.usage for result in results],
            self._costs(results, realtime=batch_id == REALTIME),
        )

    def _costs(
        self, results: Sequence[BatchResult], *, realtime: bool
    ) -> list[int | None]:
        priced = partial(price_of, self.fmt.name, realtime=realtime)
        if self.model:
            usages = [result.usage for result in results]
            costs_usd = [*map(priced(self.model), usages)]
        else:
            costs_usd = [
                priced(result.model)(result.usage) if result.model else None
                for result in results
            ]
        costs = [None if usd is None else round(usd * UNITS) for usd in costs_usd]
        if None in costs:
            for index, (cost, result) in enumerate(zip(costs, results, strict=True)):
                if cost is None and not is_billed(result):
                    costs[index] = 0
        return costs


def _raw(result: BatchResult) -> str | bytes | None:
    if result.text is None and result.data is not None:
        return to_json(result.data).decode()
    if result.text is not None and len(result.text) > LONG:
        return result.text.encode()
    return result.text
