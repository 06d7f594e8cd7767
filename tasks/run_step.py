"""The steps of a run as Prefect tasks: one task run per step and shard.

Their parameters are the run directory and the shard, so a step can run in any process
that sees the directory.
"""

from __future__ import annotations

from datetime import datetime

from prefect import task

from ..runs.collect import wait
from ..runs.decide.steps import StepKind
from ..runs.directory.run import Run
from ..runs.drive import STEPS
from ._log import logged
from ._policy import POLICY
from .credentials import named_keys
from .names import step_name

__all__ = ["run_step", "wait_for_shards"]


@task(task_run_name=step_name(), **POLICY)
def run_step(run_dir: str, kind: StepKind, shard: str = "") -> None:
    """Do one step of a run.

    Repeating it is safe: it reads first what is on record, and creates nothing twice.
    """
    with named_keys(), logged():
        STEPS[kind](Run.load(run_dir), shard)


@task(task_run_name=step_name("wait"), **POLICY)
def wait_for_shards(run_dir: str, until: datetime | None = None) -> list[str]:
    """Wait until a batch of the run is over; returns the shards concerned.

    Time alone never ends or cancels a batch; at `until` it returns even with none.
    """
    with named_keys(), logged():
        return sorted(wait.wait_for_shards(Run.load(run_dir), until))
