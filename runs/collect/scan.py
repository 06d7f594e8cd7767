"""One reading of the result lines of a batch that was just downloaded."""

from __future__ import annotations

from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from ...data.custom_id import parse_row_id
from ...data.prices import is_billed, price_of
from ...data.reuse.shared import Shared
from ...models import BatchResult, Outcome
from ...providers import Format
from ..directory.records import Plan, ShardPlan

__all__ = ["Scan", "scan_results"]


@dataclass(slots=True)
class Scan:
    """What a result file holds, before the response model checks any answer."""

    lines: int = 0
    ours: bool = False
    """Whether any line answers a request of this file."""
    outcomes: Counter[Outcome] = field(default_factory=Counter)
    input_tokens: int = 0
    output_tokens: int = 0
    cost_usd: float | None = 0.0
    """None: the price, or what some answer took, is not known."""
    again: int = 0
    """Requests that did not succeed and still may."""
    missing: int = 0
    """Requests without a line."""
    by_shard: dict[int, Path] = field(default_factory=dict)
    """Lines for the rows of other shards, in one file for each of these."""

    def add(self, result: BatchResult, provider: str, model: str) -> None:
        """Count one line."""
        self.lines += 1
        self.outcomes[result.outcome] += 1
        if not is_billed(result):
            return
        if usage := result.usage:
            self.input_tokens += usage.input_tokens
            self.output_tokens += usage.output_tokens
        cost = price_of(provider, result.model or model)(result.usage)
        if cost is None or self.cost_usd is None:
            self.cost_usd = None
        else:
            self.cost_usd += cost


def scan_results(
    output: Path,
    fmt: Format,
    plan: Plan,
    *,
    model: str,
    shard: ShardPlan,
    shared: Shared,
    folder: Path,
) -> Scan:
    """Count what the results of a shard hold, and find out whether they are ours.

    Lines that do not name their model are priced as `model`. Those for rows of other
    shards are copied to a file for each of these in `folder`.
    """
    scan = Scan()
    first_rows = plan.first_rows
    own = None if shard.round else int(shard.path.rpartition("/")[2])
    over: set[int] = set()
    retryable: set[int] = set()
    files: dict[int, BinaryIO] = {}
    with ExitStack() as stack, output.open("rb", buffering=1 << 20) as lines:
        for line in lines:
            result = fmt.decode(line)
            scan.add(result, fmt.name, model)
            found = parse_row_id(result.custom_id, plan.nonce)
            if found is None or not shard.owns(*found):
                continue
            scan.ours = True
            row = found[0]
            failed_for_now = (
                result.retryable and result.outcome is not Outcome.SUCCEEDED
            )
            (retryable if failed_for_now else over).add(row)
            if not shard.is_dealt_out or row >= plan.rows:
                continue
            for index in shared.shards_of(row, first_rows):
                if index == own:
                    continue
                if index not in files:
                    path = scan.by_shard[index] = folder / f"shard-{index:05}"
                    files[index] = stack.enter_context(path.open("wb"))
                files[index].write(line)
    scan.missing = max(0, shard.requests - len(retryable | over))
    if scan.missing:
        scan.cost_usd = None  # what has no line may have been answered, and billed
    scan.again = len(retryable - over)
    return scan
