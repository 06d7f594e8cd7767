"""Open a finished run again, for the rows that have no valid answer.

The requests are written while the run is still done. The plan of their round, which is
one file, then opens it, so a retry is begun whole or not at all. What no round before
that one has sent is not sent any more: its rows are the retry's.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from contextlib import ExitStack
from datetime import UTC, datetime
from itertools import chain
from typing import Any

from ..data.changes import asks_otherwise, changed_job
from ..data.custom_id import row_ids, row_in
from ..data.requests.encoder import RowEncoder
from ..data.requests.generate import batch_limits, prompt_of
from ..data.resolve import ResolvedJob
from ..data.reuse.digests import LineDigests
from ..data.rows.block import RowBlock
from ..data.rows.source import open_rows
from ..data.tables.formats import part_name
from ..data.tables.parts import read_part
from ..errors import (
    BatchNotEndedError,
    BatchwrightError,
    BudgetError,
    InputError,
    RunDiffersError,
)
from ..models import Outcome
from .decide.budget import committed_usd, reservation_usd
from .directory.access import with_sandbox
from .directory.lock import locked
from .directory.reading import damaged
from .directory.records import InputShardPlan, Retry, RoundPlan, ShardPlan
from .directory.run import Run, RunState
from .output import read_outcomes
from .response_model import name_response_model
from .rounds import lines_of, renumbered, rows_of_requests, write_requests

__all__ = ["open_retry"]


def open_retry(
    run_dir: str,
    changes: Mapping[str, Any] | None = None,
    outcomes: Collection[Outcome] = (),
    *,
    flow_run: str | None = None,
) -> Run:
    """Open a finished run again; the same call continues a retry that is not done.

    A run of which no row is to be asked again stays done. Rows whose results the
    provider has lost are only asked if `outcomes` has `missing`.

    Args:
        run_dir: The run's directory, or its name under `BATCHWRIGHT_RUNS_DIR`.
        changes: Fields of the job that are asked differently, as `changed_job` takes
            them. Without any, and without any in an earlier retry, the bytes of the
            requests are those of the first round.
        outcomes: Of the rows to ask again; none: of all without a valid answer.
        flow_run: A deployed flow run; a retry that it has begun before is its own.

    Raises:
        BatchNotEndedError: The run is not done.
        RunDiffersError: A retry with other options is not done.
        InputError: The changes, or a row, cannot be sent; the run stays as it was.
        BudgetError: The first batch does not fit under `max_cost_usd`; likewise.
    """
    run = Run.load(run_dir)
    with locked(run.directory), with_sandbox(run.directory, run.job):
        state = run.state()
        begun = state.retry.retry if state.retry else None
        shards = [state.shards[each.path] for each in state.first_shards]
        is_sent = any(shard.attempts.all for shard in shards)
        if begun and flow_run and begun.flow_run == flow_run and is_sent:
            return run
        job = _changed(run, state, changes or {})
        retry = Retry(outcomes=tuple(sorted(outcomes)), job=job, flow_run=flow_run)
        is_begun = begun and (begun.outcomes, begun.job) == (retry.outcomes, job)
        if state.report is None:
            if not is_begun:
                raise _not_done(run, is_retry=begun is not None)
            return run
        is_planned = is_begun and not is_sent  # by a process that was killed
        judged = "response_model" in (changes or {})
        if not is_planned and not _plan(run, state, retry, judged=judged):
            return run
        run.directory.remove("cancelled.json")
        run.reopen()
    return Run.load(run.directory.url)


def _not_done(run: Run, *, is_retry: bool) -> BatchwrightError:
    url = run.directory.url
    way = f"is not done yet; `batchwright resume {url}` continues it."
    if is_retry:
        return RunDiffersError(f"A retry of {url} with other options {way}")
    return BatchNotEndedError(f"{url} {way}")


def _changed(run: Run, state: RunState, changes: Mapping[str, Any]) -> ResolvedJob:
    if not changes:
        return state.job
    plan = run.plan()
    first = plan.shards[0]
    with ExitStack() as stack:
        path = stack.enter_context(run.as_made(_rows_name(first), first.rows_digest))
        rows = open_rows(str(path))
        names = rows.columns or [*chain.from_iterable(s.columns for s in plan.shards)]
        if not names:  # JSON lines that become JSON lines: each row has its own
            blocks = chain.from_iterable(_blocks(run, each) for each in plan.shards)
            rows_of = chain.from_iterable(block.values for block in blocks)
            names = [*dict.fromkeys(chain.from_iterable(rows_of))]
        try:
            return changed_job(state.job, changes, rows, names)
        except InputError as exc:  # it may name the first row, as it is kept
            kept = rf"{re.escape(str(path))} \w+ 1\b"
            where = plan.place(0) or f"{run.job.job.input} row 1"
            text = re.sub(kept, lambda _: where, str(exc))
            raise type(exc)(text) from exc


def _plan(run: Run, state: RunState, retry: Retry, *, judged: bool) -> bool:
    """Write the retry's requests and then its plan; False if there is nothing to do."""
    plan, number = run.plan(), len(state.rounds) + 1
    gone = tuple(shard.path for shard in state.gone_shards)
    wanted = {*retry.outcomes} or {*Outcome} - ({Outcome.MISSING} if gone else set())
    wanted.discard(Outcome.SUCCEEDED)
    asked = bytearray()
    for shard in plan.shards:
        before = [*_outcomes(run, shard)]
        asked_here = bytearray(outcome in wanted for outcome in before)
        if judged:
            _keep_valid(run, shard, retry.job, before, asked_here)
        asked += asked_here
    if not any(asked) and not judged:
        return False
    requests = _made(run, retry.job, number, asked)
    if not asks_otherwise(retry.job, run.job):
        requests = chain(_copied(run, number, asked), requests)
    limits = batch_limits(retry.job.job, run.format)
    shards = write_requests(run, number, requests, limits, retry.job.job.canary or 0)
    _check_budget(state, retry.job, shards)
    if judged:
        stored = retry.job.job.response_model
        if isinstance(stored, str):
            name_response_model(run.directory, stored)
        else:
            run.directory.remove("response-model")
    resent = gone if Outcome.MISSING in retry.outcomes else ()
    data = RoundPlan(
        number=number,
        shards=shards,
        created_at=datetime.now(UTC),
        resent=resent,
        retry=retry,
    ).model_dump_json(indent=1)
    run.directory.write(f"rounds/{number}/plan.json", data.encode())
    return True


def _outcomes(run: Run, shard: InputShardPlan) -> Iterator[str]:
    """Yield the outcome of each row of a shard, as the table has it."""
    name = f"{shard.path}/{part_name(run.job.job.output)}"
    if not run.directory.exists(name):
        raise damaged(run.directory, name, "it is missing")
    with run.directory.local(name) as path:
        for block in read_part(path):
            yield from block.column("_outcome")


def _keep_valid(
    run: Run,
    shard: InputShardPlan,
    job: ResolvedJob,
    before: list[str],
    asked: bytearray,
) -> None:
    """Judge all answers by another response model; do not ask again what it takes.

    Raises:
        InputError: It does not take an answer that was valid.
    """
    now = read_outcomes(run, shard.path, job.answer())
    for index, (was, outcome) in enumerate(zip(before, now, strict=True)):
        if outcome is Outcome.SUCCEEDED:
            asked[index] = False
        elif was == Outcome.SUCCEEDED:
            url, row = run.directory.url, shard.first_row + index
            raise InputError(
                f"The valid answer of {run.plan().place(row) or f'row {row + 1}'} does"
                " not fit the new response model, and a table has one model. Give one"
                f" that takes it too; or let `batchwright resume {url} --response-model"
                " ...` make such rows invalid, so that a retry asks them again."
            )


def _copied(run: Run, number: int, asked: bytearray) -> Iterator[bytes]:
    """Yield the requests of the first round for these rows, which are asked then.

    Of rows that share a request one is asked. What is left has never been sent, because
    an answer of another run was taken over.
    """
    nonce = run.plan().nonce
    for shard in run.plan().senders:
        if any(asked[shard.sent_rows.start : shard.sent_rows.stop]):
            for line in lines_of(run, shard):
                row = row_in(line, nonce)
                if asked[row]:
                    asked[row] = False
                    yield renumbered(line, nonce, number)
    for shard in run.plan().shards:
        for row in run.shared.leaders(shard.first_row, shard.rows):
            asked[row] = False


def _made(run: Run, job: ResolvedJob, number: int, asked: bytearray) -> Iterator[bytes]:
    """Yield requests for these rows, made anew.

    Rows that have always shared a request share the new one, if it still is equal.
    """
    if not any(asked):
        return
    plan = run.plan()
    encoder = run.format.encoder(job.template)
    encode = RowEncoder(prompt_of(job), encoder, row_ids(plan.nonce, number))
    digests = LineDigests(job, plan.nonce)
    made: dict[int, bytes] = {}
    rounds = map(run.round_plan, range(1, number)) if run.job.job.reuse else ()
    alone = {
        row
        for each in rounds
        for shard in each.shards
        for row in rows_of_requests(run, shard)
    }
    for shard in plan.shards:
        if not any(asked[shard.first_row : shard.first_row + shard.rows]):
            continue
        leaders = run.shared.leaders(shard.first_row, shard.rows)
        for block in _blocks(run, shard):
            for row, values in enumerate(
                block.values, shard.first_row + block.first_row
            ):
                if not asked[row]:
                    continue
                try:
                    line = encode(row, [values])
                except InputError as exc:
                    where = plan.place(row) or f"row {row + 1}"
                    raise InputError(f"{where}: {exc}") from exc
                digest = digests.of(line)[0] if run.job.job.reuse else b""
                is_alone = row not in leaders or row in alone
                if is_alone or made.get(leaders[row]) != digest:
                    if digest:
                        made[row] = digest
                    yield line


def _blocks(run: Run, shard: InputShardPlan) -> Iterator[RowBlock]:
    """Yield the rows of a shard as the run keeps them."""
    with run.as_made(_rows_name(shard), shard.rows_digest) as path:
        yield from open_rows(str(path)).blocks()


def _rows_name(shard: InputShardPlan) -> str:
    return f"{shard.path}/{shard.rows_name}"


def _check_budget(
    state: RunState, job: ResolvedJob, shards: tuple[ShardPlan, ...]
) -> None:
    """Refuse a retry of which not even the first batch could be created."""
    cap = job.job.max_cost_usd
    if cap is None or not shards:
        return
    needed, spent = reservation_usd(job, shards[0]) or 0.0, committed_usd(state)
    if needed > cap - spent:
        raise BudgetError(
            f"The first batch of this retry may cost {needed:,.4f} USD, but of"
            f" {cap:,.4f} USD {spent:,.4f} are spent. Nothing was sent, and the run"
            " stays as it is; give more with --max-cost-usd."
        )
