"""Work on a run within a flow run: its steps are tasks, and its page shows it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, TypeVar

from prefect.futures import PrefectFuture
from prefect.states import Completed

from ..models import RunReport
from ..providers import get_vendor
from ..runs.decide.steps import Step
from ..runs.directory.run import Run
from ..runs.drive import drive
from ..tasks.artifacts import shown
from ..tasks.run_step import run_step, wait_for_shards

__all__ = ["drive_run", "told"]

Result = TypeVar("Result")


def drive_run(run: Run, *, wait: bool) -> RunReport:
    """Work on the run until it is done, or (without `wait`) only waiting is left."""
    with shown(run):
        return drive(run, wait=wait, perform=_perform, wait_for=_wait_for)


def told(result: Result, message: str) -> Result:
    """Return what a flow gives to its caller, with a message for its final state."""
    state: Any = Completed(message=message, data=result)
    return state  # type: ignore[no-any-return]  # Prefect takes the result out of it


def _perform(run: Run, steps: Sequence[Step]) -> None:
    def start(step: Step) -> PrefectFuture[Any]:
        return run_step.submit(run.directory.url, step.kind, step.shard)

    submits = [step for step in steps if step.kind == "submit"]
    # Batches that carry no token are told apart by creation time: one at a time. On a
    # shared store a first one goes alone: two processes on one run meet at its claim,
    # and one of them leaves before it claims anything.
    if get_vendor(run.job.provider).creation == "candidates":
        in_turn = submits
    else:
        in_turn = [] if run.directory.is_local else submits[:1]
    futures = [start(step) for step in steps if step.kind != "submit"]
    try:
        for step in in_turn:
            start(step).result()
        futures += [start(step) for step in submits[len(in_turn) :]]
    finally:
        for future in futures:
            future.wait()
    for future in futures:
        future.result()


def _wait_for(run: Run, until: datetime | None) -> frozenset[str]:
    return frozenset(wait_for_shards(run.directory.url, until))
