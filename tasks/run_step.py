"""The steps of a run as Prefect tasks: one task run per batch operation.

Their parameters are the run directory and the unit, so a step can run in any
process that sees the directory.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from prefect import Task, task

from ..runs.collect.download import land_unit
from ..runs.collect.wait import wait_for_units
from ..runs.create.submit import submit_unit
from ..runs.directory.run import Run
from ..runs.generate import generate_shards as _generate_shards
from ..runs.output import finish_run as _finish_run
from ..runs.output import parse_shard as _parse_shard
from ..runs.rounds import plan_round as _plan_round
from ._names import step_name
from ._policy import POLICY
from .credentials import named_keys

__all__ = [
    "STEPS",
    "finish_run",
    "generate_shards",
    "land_shard",
    "parse_shard",
    "plan_round",
    "submit_shard",
    "wait_for_shards",
]


@task(task_run_name=step_name("generate"), **POLICY)
def generate_shards(run_dir: str, _unit: str = "") -> int:
    """Turn the input into request files; returns the number of requests."""
    return _generate_shards(Run.load(run_dir)).rows


@task(task_run_name=step_name("submit"), **POLICY)
def submit_shard(run_dir: str, unit: str) -> str | None:
    """Create the unit's batch, or find the one of a lost call; returns its ID.

    A retry never creates twice: it reads what is on record first.
    """
    with named_keys():
        batch = submit_unit(Run.load(run_dir), unit)
    return batch.id if batch else None


@task(task_run_name=step_name("wait"), **POLICY)
def wait_for_shards(run_dir: str, until: datetime | None = None) -> list[str]:
    """Wait until a batch of the run is over; returns the units concerned.

    Time alone never ends or cancels a batch; at `until` it returns, also with none.
    """
    with named_keys():
        return sorted(wait_for_units(Run.load(run_dir), until=until))


@task(task_run_name=step_name("download"), **POLICY)
def land_shard(run_dir: str, unit: str) -> int:
    """Download what the unit's batch holds; returns the number of result lines."""
    run = Run.load(run_dir)
    with named_keys():
        ended = land_unit(run, unit, run.provider())
    return ended.lines if ended else 0


@task(task_run_name=step_name("round"), **POLICY)
def plan_round(run_dir: str, unit: str) -> int:
    """Prepare a further round; returns the number of requests in it."""
    record = _plan_round(Run.load(run_dir), int(unit))
    return sum(part.requests for part in record.units)


@task(task_run_name=step_name("parse"), **POLICY)
def parse_shard(run_dir: str, unit: str) -> int:
    """Join one shard's results to its rows; returns the number of rows."""
    return _parse_shard(Run.load(run_dir), unit).rows


@task(task_run_name=step_name("write-output"), **POLICY)
def finish_run(run_dir: str, _unit: str = "") -> str | None:
    """Write the output and the report; returns the output's path."""
    return _finish_run(Run.load(run_dir)).output


STEPS: dict[str, Task[..., Any]] = {
    "generate": generate_shards,
    "submit": submit_shard,
    "land": land_shard,
    "round": plan_round,
    "parse": parse_shard,
    "finish": finish_run,
}
