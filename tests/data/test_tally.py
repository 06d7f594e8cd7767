"""Counts of a shard and of all."""

from __future__ import annotations

import string
from itertools import islice

from batchwright.data.results.row_meta import RowMeta, RowMetas
from batchwright.data.results.tally import ShardTally, TallyCounter, combine
from batchwright.models import Anomaly, BatchResult, Outcome, Usage


def _count(errors: list[str], first_row: int = 0) -> ShardTally:
    counter = TallyCounter()
    rows = RowMetas.of(
        RowMeta(Outcome.ERRORED, error, input_tokens=1, output_tokens=2, cost_usd=0.5)
        for error in errors
    )
    usages = [Usage(1, 2, 3, 4), None] * len(errors)
    counter.count(rows)
    counter.bill(
        [BatchResult(None, Outcome.ERRORED, usage=usage) for usage in usages], rows
    )
    for row, meta in enumerate(rows, first_row):
        counter.fail(row, meta)
        counter.odd("missing", f"id-{row}")
    return counter.close(Anomaly())


def test_errors_are_grouped_by_what_they_say() -> None:
    """Errors that differ in numbers, ids and quotations are one group."""
    tally = _count(["429: wait 5 s", "429: wait 17 s", "no field 'a'", "no field 'b'"])
    assert [(group.error, group.count) for group in tally.errors] == [
        ("429: wait 5 s", 2),
        ("no field 'a'", 2),
    ]
    assert tally.errors[1].example_row == 2


def test_groups_are_bounded() -> None:
    """However many errors there are, few groups are kept and none is lost."""
    words = (
        f"bad {a}{b}" for a in "ghijklmnopqrstuvwxyz" * 2 for b in string.printable
    )
    tally = _count(list(islice(words, 2000)))
    assert len(tally.errors) == 50
    assert "other errors" in {group.error for group in tally.errors}
    assert len(tally.missing.first_ids) == 20
    assert tally.missing.count == 2000


def test_shards_add_up() -> None:
    """The sum of two shards is the count of both, and survives JSON."""
    total = combine([_count(["a"] * 3), _count(["a", "b"], first_row=3)])
    assert total.rows == 5
    assert total.outcomes == {Outcome.ERRORED: 5}
    assert (total.input_tokens, total.cache_write_tokens) == (5, 20)
    assert total.cost_usd == 2.5
    assert [(group.error, group.count) for group in total.errors] == [
        ("a", 4),
        ("b", 1),
    ]
    assert total.missing.first_ids == tuple(f"id-{row}" for row in range(5))
    assert ShardTally.model_validate_json(total.model_dump_json()) == total


def test_one_unknown_cost_makes_the_sum_unknown() -> None:
    """Money that is not known is never left out of a sum."""
    counter = TallyCounter()
    for cost_usd in (0.5, None, 0.5):
        rows = RowMetas.of([RowMeta(Outcome.SUCCEEDED, cost_usd=cost_usd)])
        counter.count(rows)
        counter.bill([], rows)
    unknown = counter.close(Anomaly())
    assert unknown.cost_usd is None
    assert combine([_count(["a"]), unknown, _count(["a"])]).cost_usd is None
