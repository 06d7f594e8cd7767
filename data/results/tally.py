"""Counts of a shard, and of all shards together."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Literal

from pydantic import BaseModel, ConfigDict

from ...models import Anomaly, ErrorGroup, Outcome, Usage

__all__ = ["ERROR_CHARACTERS", "UNITS", "ShardTally", "TallyCounter", "combine"]

_SHOWN_IDS = 20
_SHOWN_GROUPS = 50
_KEPT_GROUPS = 500
ERROR_CHARACTERS = 300
"""Of an error; what is longer is cut before it is counted."""
UNITS = 10**12
"""Costs are summed in 1e-12 USD, so that the order does not matter."""
_SUCCEEDED = Outcome.SUCCEEDED
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
    reused: int = 0
    """Rows with the answer to another request than their own."""
    saved_usd: float | None = 0.0
    """What these rows would have cost; None: unknown."""
    errors: tuple[ErrorGroup, ...] = ()
    """The most frequent ones first."""
    missing: Anomaly = Anomaly()
    duplicate: Anomaly = Anomaly()
    foreign: Anomaly = Anomaly()
    columns: tuple[str, ...] = ()
    """Of ours, in the part that was written then; not in tallies of version 0.1."""
    by_class: bool | None = None
    """Whether a class validated the answers, or a JSON Schema alone; None: no matter,
    or unknown."""


class TallyCounter:
    """Counts rows in bounded memory."""

    def __init__(self) -> None:
        self._rows = 0
        self._outcomes: Counter[Outcome] = Counter()
        self._usage = Usage()
        self._cost: int | None = 0
        self._reused = 0
        self._saved: int | None = 0
        self._groups: dict[tuple[Outcome, str], ErrorGroup] = {}
        self._counts: Counter[str] = Counter()
        self._first_ids: dict[str, list[str]] = {"missing": [], "duplicate": []}

    def count(
        self,
        first_row: int,
        outcomes: Sequence[Outcome],
        errors: Sequence[str | None],
        usages: Sequence[Usage | None],
        costs: Sequence[int | None],
    ) -> None:
        """Count consecutive rows; the rows of a shard come in order.

        Args:
            first_row: Of them, 0-based in the input.
            outcomes: Of each row.
            errors: Why a row has no valid answer.
            usages: What all requests of each row took.
            costs: In 1e-12 USD; None: unknown.
        """
        self._rows += len(outcomes)
        # Hashing a member of an enum takes longer than comparing it.
        if good := outcomes.count(_SUCCEEDED):
            self._outcomes[_SUCCEEDED] += good
        if good < len(outcomes):
            self._outcomes.update(each for each in outcomes if each is not _SUCCEEDED)
        known = [each for each in usages if each is not None]
        self._usage.input_tokens += sum([each.input_tokens for each in known])
        self._usage.output_tokens += sum([each.output_tokens for each in known])
        self._usage.cache_read_tokens += sum([each.cache_read_tokens for each in known])
        self._usage.cache_write_tokens += sum(
            [each.cache_write_tokens for each in known]
        )
        if self._cost is not None:
            priced = [cost for cost in costs if cost is not None]
            self._cost = self._cost + sum(priced) if len(priced) == len(costs) else None
        if good < len(outcomes):
            for row, (outcome, error) in enumerate(
                zip(outcomes, errors, strict=True), first_row
            ):
                if error is not None:
                    group = ErrorGroup(
                        outcome=outcome,
                        error=error[:ERROR_CHARACTERS],
                        count=1,
                        example_row=row,
                    )
                    _group(self._groups, group)

    def count_reused(self, costs: Sequence[int | None]) -> None:
        """Count rows that took the answer to another request, and what it had cost."""
        self._reused += len(costs)
        known = [cost for cost in costs if cost is not None]
        is_known = self._saved is not None and len(known) == len(costs)
        self._saved = (self._saved or 0) + sum(known) if is_known else None

    def note(self, kind: Literal["missing", "duplicate"], custom_id: str) -> None:
        """Count a row without a line, or a further line for one request."""
        self._counts[kind] += 1
        if len(self._first_ids[kind]) < _SHOWN_IDS:
            self._first_ids[kind].append(custom_id)

    def close(self, strays: Anomaly) -> ShardTally:
        """Return the counts."""
        missing, duplicate = (
            Anomaly(count=self._counts[kind], first_ids=tuple(ids))
            for kind, ids in self._first_ids.items()
        )
        return ShardTally(
            rows=self._rows,
            outcomes=dict(self._outcomes),
            input_tokens=self._usage.input_tokens,
            output_tokens=self._usage.output_tokens,
            cache_read_tokens=self._usage.cache_read_tokens,
            cache_write_tokens=self._usage.cache_write_tokens,
            cost_usd=None if self._cost is None else self._cost / UNITS,
            reused=self._reused,
            saved_usd=None if self._saved is None else self._saved / UNITS,
            errors=_most_frequent(self._groups),
            missing=missing,
            duplicate=duplicate,
            foreign=strays,
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
        total = ShardTally(
            rows=total.rows + tally.rows,
            input_tokens=total.input_tokens + tally.input_tokens,
            output_tokens=total.output_tokens + tally.output_tokens,
            cache_read_tokens=total.cache_read_tokens + tally.cache_read_tokens,
            cache_write_tokens=total.cache_write_tokens + tally.cache_write_tokens,
            cost_usd=_sum(total.cost_usd, tally.cost_usd),
            reused=total.reused + tally.reused,
            saved_usd=_sum(total.saved_usd, tally.saved_usd),
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


def _sum(one: float | None, other: float | None) -> float | None:
    return None if one is None or other is None else one + other


def _add(one: Anomaly, other: Anomaly) -> Anomaly:
    return Anomaly(
        count=one.count + other.count,
        first_ids=(*one.first_ids, *other.first_ids)[:_SHOWN_IDS],
    )
