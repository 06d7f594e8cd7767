"""A run in the sandbox as a plain Prefect flow, for which Prefect starts its server."""

from __future__ import annotations

import sys

from prefect import flow

from batchwright import BatchJob
from batchwright.flows.batch import run_batch

__all__: list[str] = []

if __name__ == "__main__":
    job = BatchJob(
        input=sys.argv[1],
        prompt="Say {{ text }}",
        model="gpt-5-mini",
        output="out.csv",
        sandbox=True,
    )
    flow(run_batch.fn, name="run-batch")(job)
