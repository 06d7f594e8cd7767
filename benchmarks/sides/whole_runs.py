"""A whole run as plain calls, without Prefect."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path

from _model import PROMPT

from batchwright.data.job import BatchJob
from batchwright.runs.collect.wait import wait_for_shards
from batchwright.runs.decide.steps import Step
from batchwright.runs.directory.run import Run
from batchwright.runs.drive import STEPS, drive
from batchwright.runs.open import open_run

__all__ = ["make_job", "plain"]

_MODEL = f"{Path(__file__).parents[1] / '_model.py'}:Ticket"


def make_job(source: str, folder: str, per_batch: str) -> BatchJob:
    """Return the job that both kinds of run do."""
    return BatchJob(
        input=source,
        output=f"{folder}/out.parquet",
        model="gpt-5-mini",
        prompt=PROMPT,
        response_model=_MODEL,
        max_requests_per_batch=int(per_batch),
    )


def plain(source: str, folder: str, per_batch: str) -> dict[str, object]:
    """Run a job in this process alone; says where the CPU time went."""
    spent: Counter[str] = Counter()

    def timed(kind: str, function: Callable[[], object]) -> object:
        started = time.process_time()
        try:
            return function()
        finally:
            spent[kind] += time.process_time() - started

    def perform(run: Run, steps: Sequence[Step]) -> None:
        for step in steps:
            timed(step.kind, lambda step=step: STEPS[step.kind](run, step.shard))

    def wait_for(run: Run, until: datetime | None) -> frozenset[str]:
        return timed("wait", lambda: wait_for_shards(run, until))

    run = open_run(make_job(source, folder, per_batch), f"{folder}/run")
    report = drive(run, wait=True, perform=perform, wait_for=wait_for)
    return {"rows": report.rows, "batches": len(report.batches), "spent": spent}
