"""One reading of the result lines that just arrived."""

from __future__ import annotations

from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from ...data.custom_id import parse_row_id
from ...data.prices import price
from ...models import BatchResult, Outcome
from ...providers import Format
from ..directory.records import Plan, UnitPlan

__all__ = ["Scan", "scan_results"]


@dataclass(slots=True)
class Scan:
    """What a result file holds, before any response model has its say."""

    lines: int = 0
    ours: bool = False
    """Whether any line answers a request of this file."""
    outcomes: Counter[Outcome] = field(default_factory=Counter)
    input_tokens: int = 0
    output_tokens: int = 0
    cost_usd: float | None = 0.0
    again: int = 0
    """Requests that did not succeed and still may, lines that are missing too."""
    dealt: dict[int, Path] = field(default_factory=dict)
    """A further round's lines by shard."""

    def add(self, result: BatchResult, provider: str, model: str) -> None:
        """Count one line."""
        self.outcomes[result.outcome] += 1
        usage = result.usage
        if usage is None:
            return
        self.input_tokens += usage.input_tokens
        self.output_tokens += usage.output_tokens
        cost = price(provider, result.model or model, usage)
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
    unit: UnitPlan,
    deal_to: Path | None,
) -> Scan:
    """Prove the results ours, count what they hold, and deal out a round's.

    Args:
        output: The result lines.
        fmt: How to decode them.
        plan: Says which rows and shards there are.
        model: What was asked for, where a line does not say who answered.
        unit: The request file that they answer.
        deal_to: A folder for one file per shard; None for a first round.
    """
    scan = Scan()
    succeeded: set[int] = set()
    retryable: set[int] = set()
    hopeless: set[int] = set()
    targets: dict[int, BinaryIO] = {}
    with ExitStack() as stack, output.open("rb", buffering=1 << 20) as file:
        for line in file:
            scan.lines += 1
            result = fmt.decode(line)
            scan.add(result, fmt.name, model)
            found = parse_row_id(result.custom_id, plan.nonce)
            if found is None or not unit.owns(*found):
                continue
            scan.ours = True
            row = found[0]
            if result.outcome is Outcome.SUCCEEDED:
                succeeded.add(row)
            else:
                (retryable if result.retryable else hopeless).add(row)
            if deal_to is not None and row < plan.rows:
                shard = plan.shard_index(row)
                if shard not in targets:
                    path = scan.dealt[shard] = deal_to / f"dealt-{shard:05}"
                    targets[shard] = stack.enter_context(path.open("wb"))
                targets[shard].write(line)
    seen = succeeded | retryable | hopeless
    missing = max(0, unit.requests - len(seen))
    scan.again = len(retryable - succeeded - hopeless) + missing
    return scan
