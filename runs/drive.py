"""Work on a run: read what is there, do what can be done, until only waiting is left.

Calling it again is always safe, and a run that is done is left alone. Who does
the steps is the caller's: plain calls here, Prefect tasks in a flow.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Protocol

from ..models import RunReport
from .collect.download import land_unit
from .collect.poll import Poller
from .collect.wait import look_at_units, wait_for_units
from .create.submit import submit_unit
from .decide.backoff import held_units
from .decide.budget import affordable
from .decide.canary import check_canary
from .decide.steps import Step, next_steps
from .directory.access import with_sandbox
from .directory.lock import locked
from .directory.run import Run
from .generate import generate_shards
from .output import finish_run, parse_shard
from .report.report import report_on
from .rounds import plan_round

__all__ = ["Perform", "WaitFor", "do_step", "drive", "perform"]

Perform = Callable[[Run, Sequence[Step]], None]
"""Does steps that are independent of each other; returns when all are done."""


class WaitFor(Protocol):
    """Waits for open batches; `wait_for_units` says what is returned."""

    def __call__(self, run: Run, *, until: datetime | None) -> frozenset[str]:
        """Return the units whose batch is over."""


def do_step(run: Run, step: Step) -> None:
    """Do one step in this process."""
    match step.kind:
        case "generate":
            generate_shards(run)
        case "submit":
            submit_unit(run, step.unit)
        case "land":
            land_unit(run, step.unit, run.provider())
        case "round":
            plan_round(run, int(step.unit))
        case "parse":
            parse_shard(run, step.unit)
        case "finish":
            finish_run(run)


def perform(run: Run, steps: Sequence[Step]) -> None:
    """Do the steps one after the other in this process."""
    for step in steps:
        do_step(run, step)


def drive(
    run: Run,
    *,
    wait: bool,
    perform: Perform = perform,
    wait_for: WaitFor = wait_for_units,
) -> RunReport:
    """Work on the run until it is done, or (without `wait`) only waiting is left.

    Returns:
        The report; its state is `open` where batches still run.

    Raises:
        RunBusyError: Another process works on this run.
        BatchwrightError: It cannot go on; the run stays resumable.
    """
    job = run.job.job
    with locked(run.directory), with_sandbox(run.directory, run.job):
        ended: frozenset[str] = frozenset()
        while True:
            state = run.state()
            if state.report is not None:
                return state.report
            check_canary(run, state)
            held, until = held_units(run, state)
            steps = next_steps(
                state,
                max_in_flight=job.max_in_flight,
                max_rounds=job.max_rounds,
                reask=job.reask,
                ended=ended,
                held=held,
                canary=job.canary is not None,
            )
            steps = affordable(run, state, steps)
            if steps:
                perform(run, steps)
                ended = frozenset()
            elif wait:
                ended = wait_for(run, until=until)
            else:
                ended, _ = look_at_units(run, state, Poller(run.provider()))
                if not ended:
                    return report_on(run, state)
