"""Money: what a run may still spend, kept in the records of its attempts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ...data.prices import price
from ...errors import BudgetError
from ...models import Usage
from ..directory.records import UnitPlan, Verdict
from ..directory.run import Run, RunState
from .steps import Step

__all__ = ["affordable", "committed_usd", "reservation_usd"]

_BYTES_PER_TOKEN = 2
"""No tokenizer makes more tokens of JSON than one for every two bytes, on average."""

_UNBILLED = {
    Verdict.FAILED,
    Verdict.PARKED,
    Verdict.NOT_CREATED,
    Verdict.FOREIGN,
}


def reservation_usd(run: Run, unit: UnitPlan) -> float | None:
    """Return the most that a batch of this unit may cost; None without a cap.

    Input bytes / 2 as tokens, and `max_tokens` of output for each request, at the
    batch price.
    """
    job = run.job.job
    if job.max_cost_usd is None:
        return None
    usage = Usage(
        input_tokens=unit.bytes // _BYTES_PER_TOKEN // unit.requests + 1,
        output_tokens=job.max_tokens or 0,
    )
    each = price(run.job.provider, run.job.template.model, usage)
    if each is None:
        raise BudgetError(
            f"The price of {run.job.template.model!r} is unknown, so --max-cost-usd"
            " cannot be kept; drop it, or take a model with a known price."
        )
    return each * unit.requests


def committed_usd(state: RunState) -> float:
    """Return what the run has spent, and what its open attempts may still spend.

    A reservation is replaced by the real cost once usage is known, and kept where
    it is not.
    """
    total = 0.0
    for unit in state.units.values():
        for attempt in unit.attempts.all:
            ended = attempt.ended
            lost = unit.is_lost and attempt is unit.last
            if ended is not None and ended.verdict in _UNBILLED and not lost:
                continue
            if ended is not None and ended.cost_usd is not None and not lost:
                total += ended.cost_usd
            else:
                total += attempt.intent.reserved_usd or 0.0
    return total


def affordable(run: Run, state: RunState, steps: Sequence[Step]) -> list[Step]:
    """Leave out what does not fit under `max_cost_usd` now.

    Raises:
        BudgetError: Nothing that is left fits, and no open batch can free any.
    """
    cap = run.job.job.max_cost_usd
    if cap is None:
        return list(steps)
    left = cap - committed_usd(state)
    kept = []
    refused: list[str] = []
    for step in steps:
        if step.kind != "submit" or state.units[step.unit].is_lost:
            kept.append(step)
            continue
        needed = reservation_usd(run, state.units[step.unit].plan) or 0.0
        if needed <= left and not refused:
            left -= needed
            kept.append(step)
        else:
            refused.append(step.unit)
    if refused and not kept and not state.open_units:
        raise BudgetError(_text(run, state, refused, cap))
    return kept


def _text(run: Run, state: RunState, refused: Iterable[str], cap: float) -> str:
    first = next(iter(refused))
    needed = reservation_usd(run, state.units[first].plan) or 0.0
    return (
        f"The batch of {first} may cost {needed:,.4f} USD, but of {cap:,.4f} USD"
        f" {committed_usd(state):,.4f} are spent or reserved. Nothing was sent, and the"
        f" run stays as it is; `batchwright cancel --run-dir {run.directory.url}` and"
        " then `resume` land what it has."
    )
