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

__all__ = ["LinesOfOthers", "Scan", "is_again", "scan_results"]


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

    def add(
        self, result: BatchResult, provider: str, model: str, *, realtime: bool
    ) -> None:
        """Count one line."""
        self.lines += 1
        self.outcomes[result.outcome] += 1
        if not is_billed(result):
            return
        if usage := result.usage:
            self.input_tokens += usage.input_tokens
            self.output_tokens += usage.output_tokens
        cost_of = price_of(provider, result.model or model, realtime=realtime)
        cost = cost_of(result.usage)
        if cost is None or self.cost_usd is None:
            self.cost_usd = None
        else:
            self.cost_usd += cost


class LinesOfOthers(ExitStack):
    """Result lines for rows of other shards than the one that was asked for them."""

    def __init__(
        self, shard: ShardPlan, plan: Plan, shared: Shared, folder: Path
    ) -> None:
        """Begin with none; `folder` is for one file for each of the other shards."""
        super().__init__()
        self.files: dict[int, Path] = {}
        self._own = None if shard.round else int(shard.path.rpartition("/")[2])
        self._first_rows = plan.first_rows
        self._shared = shared
        self._folder = folder
        self._open: dict[int, BinaryIO] = {}

    def add(self, row: int, line: bytes) -> None:
        """Append the result of a row's request for all other shards that share it."""
        for index in self._shared.shards_of(row, self._first_rows):
            if index == self._own:
                continue
            if index not in self._open:
                path = self.files[index] = self._folder / f"shard-{index:05}"
                self._open[index] = self.enter_context(path.open("wb"))
            self._open[index].write(line)


def scan_results(
    output: Path,
    fmt: Format,
    plan: Plan,
    *,
    model: str,
    shard: ShardPlan,
    others: LinesOfOthers | None,
    realtime: bool = False,
    is_cut: bool = False,
) -> Scan:
    """Count what the results of a shard hold, and find out whether they are ours.

    Args:
        output: The result lines.
        fmt: Their format.
        plan: The run's plan.
        model: The price of lines that do not name their model.
        shard: Whose results they are.
        others: Takes the lines that are for rows of other shards; None: there are none.
        realtime: Whether no batch answered, so that the list price was paid.
        is_cut: Whether the batch was cancelled because of the run's deadline, so that
            its cancelled requests are asked again.
    """
    scan = Scan()
    over: set[int] = set()
    retryable: set[int] = set()
    with output.open("rb", buffering=1 << 20) as lines:
        for line in lines:
            result = fmt.decode(line)
            scan.add(result, fmt.name, model, realtime=realtime)
            found = parse_row_id(result.custom_id, plan.nonce)
            if found is None or not shard.owns(*found):
                continue
            scan.ours = True
            row = found[0]
            failed_for_now = is_again(result, is_cut=is_cut)
            (retryable if failed_for_now else over).add(row)
            if others is not None and row < plan.rows:
                others.add(row, line)
    scan.missing = max(0, shard.requests - len(retryable | over))
    scan.again = len(retryable - over)
    return scan


def is_again(result: BatchResult, *, is_cut: bool) -> bool:
    """Whether a request did not succeed and is worth another try."""
    if result.outcome is Outcome.SUCCEEDED:
        return False
    return result.retryable or (is_cut and result.outcome is Outcome.CANCELLED)
