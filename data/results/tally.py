"""Counts of a shard, and of all shards together."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable

from pydantic import BaseModel, ConfigDict

from ...models import Anomaly, BatchResult, ErrorGroup, Outcome, Usage
from .row_meta import RowMeta, RowMetas

__all__ = ["ShardTally", "TallyCounter", "combine", "is_unpriced"]

_SHOWN_IDS = 20
_SHOWN_GROUPS = 50
_KEPT_GROUPS = 500
_GROUP_CHARACTERS = 300
_SUCCEEDED = Outcome.SUCCEEDED
_ANSWERED = frozenset(
    {Outcome.SUCCEEDED, Outcome.INVALID, Outcome.REFUSED, Outcome.TRUNCATED}
)
_VARYING = re.compile(r"[0-9a-fA-F-]{8,}|\d+|'[^']*'|\"[^\"]*\"")


class ShardTally(BaseModel):
    """What became of the rows of one shard, or of several."""

    model_config = ConfigDict(frozen=True)

    rows: int = 0
    outcomes: dict[Outcome, int] = {}
    input_tokens: int = 0
    output_tokens: int = 0
    cache_read_tokens: int = 0
    cache_write_tokens: int = 0
    cost_usd: float | None = 0.0
    """Of all attempts; None: the price or some usage is unknown."""
    errors: tuple[ErrorGroup, ...] = ()
    """The most frequent ones first."""
    missing: Anomaly = Anomaly()
    duplicate: Anomaly = Anomaly()
    foreign: Anomaly = Anomaly()


class TallyCounter:
    """Counts rows in bounded memory."""

    def __init__(self) -> None:
        self.rows = 0
        self.outcomes: Counter[Outcome] = Counter()
        self.usage = Usage()
        self.cost_usd: float | None = 0.0
        self._groups: dict[tuple[Outcome, str], ErrorGroup] = {}
        self._odd: dict[str, list[str]] = {"missing": [], "duplicate": []}
        self._odd_counts: Counter[str] = Counter()

    def count(self, rows: RowMetas) -> None:
        """Count rows: what became of them, and what they took."""
        self.rows += len(rows)
        # A member of an enum is hashed slowly, and found fast.
        if good := rows.outcomes.count(_SUCCEEDED):
            self.outcomes[_SUCCEEDED] += good
        if good < len(rows):
            failed = [each for each in rows.outcomes if each is not _SUCCEEDED]
            self.outcomes.update(failed)
        self.usage.input_tokens += sum(filter(None, rows.input_tokens))
        self.usage.output_tokens += sum(filter(None, rows.output_tokens))
        if self.cost_usd is not None:
            self.cost_usd += sum(filter(None, rows.costs_usd))

    def fail(self, number: int, row: RowMeta) -> None:
        """Count why a row of the input, 0-based, has no answer; in their order."""
        if row.error is not None:
            group = ErrorGroup(
                outcome=row.outcome,
                error=row.error[:_GROUP_CHARACTERS],
                count=1,
                example_row=number,
            )
            _group(self._groups, group)

    def bill(self, results: Iterable[BatchResult], rows: RowMetas) -> None:
        """Count of requests what rows do not show: cached tokens, unknown prices."""
        for usage in [result.usage for result in results]:
            if usage and (usage.cache_read_tokens or usage.cache_write_tokens):
                self.usage.cache_read_tokens += usage.cache_read_tokens
                self.usage.cache_write_tokens += usage.cache_write_tokens
        if None in rows.costs_usd and any(map(is_unpriced, rows)):
            self.cost_usd = None

    def odd(self, kind: str, custom_id: str) -> None:
        """Count a `missing` or `duplicate` line."""
        self._odd_counts[kind] += 1
        if len(self._odd[kind]) < _SHOWN_IDS:
            self._odd[kind].append(custom_id)

    def close(self, foreign: Anomaly) -> ShardTally:
        """Return the counts."""
        odd = {
            kind: Anomaly(count=self._odd_counts[kind], first_ids=tuple(ids))
            for kind, ids in self._odd.items()
        }
        # So many digits make the same sum, whatever order the rows came in.
        cost_usd = None if self.cost_usd is None else round(self.cost_usd, 12)
        return ShardTally(
            rows=self.rows,
            outcomes=dict(self.outcomes),
            input_tokens=self.usage.input_tokens,
            output_tokens=self.usage.output_tokens,
            cache_read_tokens=self.usage.cache_read_tokens,
            cache_write_tokens=self.usage.cache_write_tokens,
            cost_usd=cost_usd,
            errors=_most_frequent(self._groups),
            missing=odd["missing"],
            duplicate=odd["duplicate"],
            foreign=foreign,
        )


def is_unpriced(row: RowMeta) -> bool:
    """Whether something was paid, and nobody can tell how much."""
    # Only what was answered is billed; without its usage nobody can tell.
    return row.cost_usd is None and (
        row.input_tokens is not None or row.outcome in _ANSWERED
    )


def combine(tallies: Iterable[ShardTally]) -> ShardTally:
    """Return the sum; groups of errors and first ids stay bounded."""
    outcomes: Counter[Outcome] = Counter()
    groups: dict[tuple[Outcome, str], ErrorGroup] = {}
    total = ShardTally()
    for tally in tallies:
        outcomes.update(tally.outcomes)
        for group in tally.errors:
            _group(groups, group)
        unknown = total.cost_usd is None or tally.cost_usd is None
        total = ShardTally(
            rows=total.rows + tally.rows,
            input_tokens=total.input_tokens + tally.input_tokens,
            output_tokens=total.output_tokens + tally.output_tokens,
            cache_read_tokens=total.cache_read_tokens + tally.cache_read_tokens,
            cache_write_tokens=total.cache_write_tokens + tally.cache_write_tokens,
            cost_usd=None
            if unknown
            else (total.cost_usd or 0.0) + (tally.cost_usd or 0.0),
            missing=_add(total.missing, tally.missing),
            duplicate=_add(total.duplicate, tally.duplicate),
            foreign=_add(total.foreign, tally.foreign),
        )
    return total.model_copy(
        update={"outcomes": dict(outcomes), "errors": _most_frequent(groups)}
    )


def _group(groups: dict[tuple[Outcome, str], ErrorGroup], new: ErrorGroup) -> None:
    """Add to the group of errors that differ in numbers, ids and quotations only."""
    key = (new.outcome, _VARYING.sub("#", new.error))
    if key not in groups and len(groups) >= _KEPT_GROUPS:
        key = (new.outcome, "")
        new = new.model_copy(update={"error": "other errors"})
    before = groups.get(key)
    if before is None:
        groups[key] = new
    else:
        groups[key] = before.model_copy(update={"count": before.count + new.count})


def _most_frequent(
    groups: dict[tuple[Outcome, str], ErrorGroup],
) -> tuple[ErrorGroup, ...]:
    ordered = sorted(groups.values(), key=lambda group: -group.count)
    return tuple(ordered[:_SHOWN_GROUPS])


def _add(one: Anomaly, other: Anomaly) -> Anomaly:
    return Anomaly(
        count=one.count + other.count,
        first_ids=(*one.first_ids, *other.first_ids)[:_SHOWN_IDS],
    )
