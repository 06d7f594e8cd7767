"""Work on a run: read what is there, do what can be done, until only waiting is left.

Calling it again is always safe, and a run that is done is left alone. The steps are
done here one after the other; a flow gives each to a Prefect task.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime

import orjson

from ..errors import RunBusyError, RunFinishedError
from ..models import RunReport
from ..providers import get_vendor
from .ask.shard import ask_shard
from .collect.canary import count_canary
from .collect.download import download_shard
from .collect.poll import Poller
from .collect.wait import look_at_shards, wait_for_shards
from .create.earlier import Earlier
from .create.submit import submit_shard
from .decide.backoff import paused_shards
from .decide.budget import affordable
from .decide.canary import is_canary_sent_again
from .decide.steps import Step, StepKind, next_steps
from .directory.access import with_sandbox
from .directory.deadline import deadline_of
from .directory.lock import locked
from .directory.run import Run
from .events import emit
from .generate import generate_shards
from .output import parse_shard, write_output
from .report.report import report_on
from .rounds import plan_round

__all__ = ["STEPS", "Perform", "WaitFor", "cancel_run", "drive", "perform"]

STEPS: dict[StepKind, Callable[[Run, str], object]] = {
    "generate": lambda run, _: generate_shards(run),
    "submit": submit_shard,
    "ask": ask_shard,
    "download": download_shard,
    "round": lambda run, number: plan_round(run, int(number)),
    "parse": parse_shard,
    "write-output": lambda run, _: write_output(run),
}
"""How each step is done, given the run and the step's shard."""

Perform = Callable[[Run, Sequence[Step]], None]
"""Does steps that are independent of each other; returns when all are done."""


WaitFor = Callable[[Run, datetime | None], frozenset[str]]
"""Waits for open batches until a given time; returns the shards that are over."""


def perform(run: Run, steps: Sequence[Step]) -> None:
    """Do the steps one after the other in this process."""
    for step in steps:
        STEPS[step.kind](run, step.shard)


def drive(
    run: Run,
    *,
    wait: bool,
    perform: Perform = perform,
    wait_for: WaitFor = wait_for_shards,
) -> RunReport:
    """Work on the run until it is done, or (without `wait`) only waiting is left.

    Returns:
        The report; its state is `open` where batches still run.

    Raises:
        RunBusyError: Another process works on this run.
        BatchwrightError: It cannot go on; the run stays resumable.
    """
    with locked(run.directory), with_sandbox(run.directory, run.job):
        run.directory.clear_scratch()
        ended: frozenset[str] = frozenset()
        earlier = Earlier(run, wait=wait)
        while True:
            state = run.state()
            if state.report is not None:
                return state.report
            job, deadline = state.job.job, deadline_of(run)
            late = deadline is not None and datetime.now(UTC) >= deadline
            count = count_canary(run, state)
            again = is_canary_sent_again(
                state, job, count, run.directory.url, late=late
            )
            paused, until = paused_shards(run, state)
            held = paused | earlier.held
            steps = next_steps(
                state, job, ended=ended, paused=held, canary_again=again, late=late
            )
            if earlier.adopt(state, steps):
                continue
            steps = affordable(run, state, steps)
            if steps:
                perform(run, steps)
                ended = frozenset()
            elif wait:
                moments = [until, None if late else deadline]
                ended = wait_for(run, min(filter(None, moments), default=None))
            else:
                ended, _ = look_at_shards(run, state, Poller(run.provider()))
                if not ended:
                    return report_on(run, state)


def cancel_run(run_dir: str) -> RunReport:
    """Mark the run cancelled, then ask the provider to stop its open batches.

    From then on no batch of it is created, whichever process works on it. The next
    `resume` or sweep downloads what ended; the rest has outcome `cancelled`. In a
    sandbox run that another process works on, that one stops the batches.

    Raises:
        RunFinishedError: It is done, so there is nothing to cancel.
    """
    run = Run.load(run_dir)
    url = run.directory.url
    state = run.state()
    if state.report is not None:
        raise RunFinishedError(f"{url} is done; its report is {url}/report.md.")
    if not state.cancelled:
        mark = orjson.dumps({"at": datetime.now(UTC)})
        run.directory.write("cancelled.json", mark)
        state = run.state()
    with ExitStack() as stack:
        try:
            if run.job.synthetic:  # its batches are reached where its sandbox runs
                stack.enter_context(locked(run.directory))
        except RunBusyError:
            emit(
                "notice", text=f"{url}: the process that works on it ends its batches."
            )
            return report_on(run, state)
        stack.enter_context(with_sandbox(run.directory, run.job))
        vendor = get_vendor(run.job.provider)
        if state.open_shards and not vendor.can_cancel:
            text = f"{vendor.title} has no call that stops a batch: those that were"
            emit("notice", text=f"{text} created run to their end.")
        if state.open_shards:
            look_at_shards(run, state, Poller(run.provider()))
    return report_on(run, run.state())
