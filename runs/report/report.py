"""The report of a run, at any time: all that was paid for is in it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from datetime import UTC, datetime
from typing import Literal

from pydantic import BaseModel

from ...data.results.tally import ShardTally, combine
from ...errors import BatchwrightError
from ...models import Batch, BatchLine, ErrorGroup, RunReport
from ..collect.poll import Poller
from ..directory.access import with_sandbox
from ..directory.attempts import Attempt
from ..directory.catalog import run_directories
from ..directory.lock import locked
from ..directory.run import Run, RunState
from ..directory.shard import Shard
from .batch_table import batch_id_of, newest_batch, status_word

__all__ = ["UnreadableRun", "list_runs", "read_status", "report_on"]


class UnreadableRun(BaseModel):
    """A run of which no report can be made."""

    run_dir: str
    error: str


def read_status(run_dir: str, *, refresh: bool = False) -> RunReport:
    """Return the report of a run: the stored one if it is done, else one made now.

    With `refresh`, the provider is asked once how far the open batches are. Nothing is
    written.

    Raises:
        RunBusyError: The sandbox of this run is in use by the process that works on it.
        ProviderError: The provider does not answer.
    """
    run = Run.load(run_dir)
    state = run.state()
    if state.report is not None:
        return state.report
    live = _seen_now(run, state) if refresh and state.open_shards else {}
    return report_on(run, state, live=live)


def _seen_now(run: Run, state: RunState) -> dict[str, Batch]:
    with ExitStack() as stack:
        if run.job.synthetic:
            stack.enter_context(locked(run.directory))
            stack.enter_context(with_sandbox(run.directory, run.job))
        poller = Poller(run.provider())
        left = {
            shard.last.batch.id: shard.last.created_at
            for shard in state.open_shards
            if shard.last and shard.last.batch
        }
        seen: dict[str, Batch] = {}
        while left:  # one look sees a thousand and more
            for batch_id, batch in poller.look_once(left).items():
                del left[batch_id]
                if batch is not None:
                    seen[batch_id] = batch
        return seen


def list_runs(root: str | None = None) -> Iterator[RunReport | UnreadableRun]:
    """Yield the reports of the runs right below a folder.

    None means `BATCHWRIGHT_RUNS_DIR`. Other processes may be working on them. A run
    that cannot be read hides no other.
    """
    for directory in run_directories(root):
        try:
            report = read_status(directory.url)
        except (BatchwrightError, OSError) as exc:
            yield UnreadableRun(run_dir=directory.url, error=str(exc))
        else:
            yield report


def report_on(
    run: Run,
    state: RunState,
    tally: ShardTally | None = None,
    *,
    ended_at: datetime | None = None,
    live: Mapping[str, Batch] | None = None,
) -> RunReport:
    """Return the report of a run; without `tally` that of an open one.

    An open run is counted from its result lines, before the response model checked
    any answer; a row that was sent again counts twice. `live` has open batches by ID,
    as the provider shows them now.
    """
    lines = tuple(
        _batch_line(shard, attempt, live or {})
        for shard in state.shards.values()
        for attempt in shard.attempts.all or (None,)
    )
    total = tally or _so_far(state)
    job = run.job
    jobs = [job, *(each.retry.job for each in state.rounds if each.retry)]
    return RunReport(
        run_dir=run.directory.url,
        state=_word(state, ended_at),
        provider=job.provider,
        model=", ".join(dict.fromkeys(each.template.model for each in jobs)),
        synthetic=job.synthetic or any(map(_is_synthetic, state.attempts())),
        output=job.job.output,
        rows=state.plan.rows if state.plan else 0,
        outcomes=total.outcomes,
        batches=lines,
        rounds=sum(1 for round_ in state.rounds if round_.shards),
        input_tokens=total.input_tokens,
        output_tokens=total.output_tokens,
        cache_read_tokens=total.cache_read_tokens,
        cache_write_tokens=total.cache_write_tokens,
        cost_usd=None if any(map(_is_unpriced, state.attempts())) else total.cost_usd,
        reused=total.reused,
        saved_usd=total.saved_usd,
        empty_values=state.plan.empty_values if state.plan else None,
        errors=tuple(_placed(state, group) for group in total.errors),
        missing=total.missing,
        duplicate=total.duplicate,
        foreign=total.foreign,
        started_at=state.plan.created_at if state.plan else datetime.now(UTC),
        ended_at=ended_at,
        seconds=_seconds(state, ended_at),
    )


def _placed(state: RunState, group: ErrorGroup) -> ErrorGroup:
    place = state.plan and state.plan.place(group.example_row)
    return group.model_copy(update={"example_place": place})


def _word(
    state: RunState, ended_at: datetime | None
) -> Literal["open", "done", "cancelled"]:
    if state.cancelled:
        return "cancelled"
    return "open" if ended_at is None else "done"


def _batch_line(
    shard: Shard, attempt: Attempt | None, live: Mapping[str, Batch]
) -> BatchLine:
    batch = newest_batch(attempt, live)
    claimed_at = attempt.intent.claimed_at if attempt else None
    return BatchLine(
        shard=shard.path,
        attempt=attempt.number if attempt else 0,
        batch_id=batch_id_of(attempt, batch),
        provider_status=status_word(attempt, batch),
        requests=shard.plan.requests,
        answered=batch.counts.done if batch and batch.id in live else None,
        created_at=batch.created_at if batch else claimed_at,
        ended_at=attempt.ended.at if attempt and attempt.ended else None,
    )


def _so_far(state: RunState) -> ShardTally:
    """Add up what the attempts that are over have brought."""
    return combine(
        ShardTally(
            outcomes=ended.outcomes,
            input_tokens=ended.input_tokens,
            output_tokens=ended.output_tokens,
            cost_usd=ended.cost_usd,
        )
        for _, attempt in state.attempts()
        if (ended := attempt.ended)
    )


def _is_synthetic(sent: tuple[Shard, Attempt]) -> bool:
    """Whether a sandbox answered."""
    batch, account = sent[1].batch, sent[1].intent.account
    named = batch.id if batch else account.organization
    return "sandbox" in (named or "")


def _is_unpriced(sent: tuple[Shard, Attempt]) -> bool:
    """Whether something was paid for whose results nobody reads."""
    verdict = sent[1].verdict
    return sent[1].is_surplus or (verdict is not None and verdict.has_lost_results)


def _seconds(state: RunState, ended_at: datetime | None) -> dict[str, float]:
    if state.plan is None:
        return {}
    attempts = [attempt for _, attempt in state.attempts()]
    created = [each.intent.claimed_at for each in attempts]
    ended = [each.ended.at for each in attempts if each.ended]
    seconds = {"generate": state.plan.seconds}
    if ended:
        seconds["batches"] = (max(ended) - min(created)).total_seconds()
        if ended_at is not None:
            seconds["write"] = (ended_at - max(ended)).total_seconds()
    return seconds
