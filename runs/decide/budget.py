"""What a run may still spend, from the records of its attempts."""

from __future__ import annotations

from collections.abc import Sequence

from ...data.bounds import may_write_cache, most_output_tokens
from ...data.prices import price
from ...data.resolve import ResolvedJob
from ...errors import BudgetError
from ...models import Usage
from ..directory.records import ShardPlan, Verdict
from ..directory.run import Run, RunState
from .steps import Step

__all__ = ["affordable", "committed_usd", "most_usd", "reservation_usd"]

_BYTES_PER_TOKEN = 2
"""No tokenizer makes more tokens of JSON than one for every two bytes, on average."""

_UNBILLED = {
    Verdict.FAILED,
    Verdict.PARKED,
    Verdict.NOT_CREATED,
    Verdict.NOT_OURS,
}


def most_usd(
    job: ResolvedJob, requests: int, size: int, *, realtime: bool = False
) -> float | None:
    """Return the most that a batch may cost, of so many requests and bytes.

    Input bytes / 2 as tokens, and all output that its limits allow for each request,
    at the batch price, or in realtime at the full price; where a prompt cache may be
    written, all input is. None: no limit of tokens, or no known price.
    """
    most_output = most_output_tokens(job.template)
    if most_output is None:
        return None
    tokens = size // _BYTES_PER_TOKEN // requests + 1
    may_write = job.own_messages or may_write_cache(job.template, job.messages)
    stored = tokens if may_write else 0
    usage = Usage(
        input_tokens=tokens,
        output_tokens=most_output,
        cache_write_tokens=stored,
        cache_write_1h_tokens=stored,
    )
    each = price(job.provider, job.template.known_model, usage, realtime=realtime)
    return None if each is None else each * requests


def reservation_usd(
    job: ResolvedJob, shard: ShardPlan, *, realtime: bool = False
) -> float | None:
    """Return the most that this shard may cost; None without a cap."""
    if job.job.max_cost_usd is None:
        return None
    found = most_usd(job, shard.requests, shard.bytes, realtime=realtime)
    if found is None:
        raise BudgetError(
            f"The price of {job.template.known_model!r} is unknown, so"
            " --max-cost-usd cannot be kept; drop it, or take a model with a known"
            " price."
        )
    return found


def committed_usd(state: RunState) -> float:
    """Return what the run has spent, and what its open attempts may still spend.

    A reservation counts until the real cost is known.
    """
    total = 0.0
    for shard, attempt in state.attempts():
        ended = attempt.ended
        is_lost = shard.is_lost and attempt is shard.last
        if ended is None or is_lost or attempt.is_surplus:
            total += attempt.intent.reserved_usd or 0.0
        elif ended.verdict not in _UNBILLED:
            reserved = attempt.intent.reserved_usd or 0.0
            total += reserved if ended.cost_usd is None else ended.cost_usd
    return total


def affordable(run: Run, state: RunState, steps: Sequence[Step]) -> list[Step]:
    """Leave out what does not fit under `max_cost_usd` now.

    Raises:
        BudgetError: Nothing that is left fits, and no open batch can free any.
    """
    cap = state.job.job.max_cost_usd
    if cap is None:
        return list(steps)
    left = cap - committed_usd(state)
    kept: list[Step] = []
    refused: tuple[str, float] | None = None
    for step in steps:
        shard = state.shards.get(step.shard)
        is_new = shard and not (shard.is_lost or shard.is_asking)
        if step.kind not in {"submit", "ask"} or not (shard and is_new):
            kept.append(step)
            continue
        job, realtime = run.job_at(shard.plan.round), step.kind == "ask"
        needed = reservation_usd(job, shard.plan, realtime=realtime) or 0.0
        if refused is None and needed <= left:
            left -= needed
            kept.append(step)
        else:
            refused = refused or (step.shard, needed)
    if refused and not kept and not state.open_shards:
        path, needed = refused
        raise BudgetError(
            f"The requests of {path} may cost {needed:,.4f} USD, but of {cap:,.4f} USD"
            f" {committed_usd(state):,.4f} are spent or reserved. Nothing was sent, and"
            " the run stays as it is; `batchwright cancel --run-dir"
            f" {run.directory.url}` and then `resume` download what it has."
        )
    return kept
