"""Counts of a shard and of all."""

from __future__ import annotations

import string
from itertools import islice

from batchwright.data.results.tally import ShardTally, TallyCounter, combine
from batchwright.models import Anomaly, Outcome, Usage


def _count(errors: list[str], first_row: int = 0) -> ShardTally:
    counter = TallyCounter()
    many = len(errors)
    usages = [Usage(1, 2, 3, 4), None] * many
    costs = [500_000_000_000] * many
    outcomes = [Outcome.ERRORED] * many
    counter.count(first_row, outcomes, errors, usages[:many], costs)
    for row in range(many):
        counter.note("missing", f"id-{first_row + row}")
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
    assert (total.input_tokens, total.cache_write_tokens) == (3, 12)
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
    costs = [1, None, 1]
    counter.count(0, [Outcome.SUCCEEDED] * 3, [None] * 3, [None] * 3, costs)
    counter.count(3, [Outcome.SUCCEEDED], [None], [None], [1])
    unknown = counter.close(Anomaly())
    assert unknown.cost_usd is None
    assert combine([_count(["a"]), unknown, _count(["a"])]).cost_usd is None


def test_the_order_of_costs_does_not_matter() -> None:
    """Costs that no float adds exactly have one sum, whatever order they come in."""
    costs = [1, 100_000_000_003, 7, 3_333_333_333_333] * 50
    sums = set()
    for order in (costs, costs[::-1], sorted(costs)):
        counter = TallyCounter()
        for row, cost in enumerate(order):
            counter.count(row, [Outcome.SUCCEEDED], [None], [None], [cost])
        sums.add(counter.close(Anomaly()).cost_usd)
    assert sums == {sum(costs) / 10**12}
