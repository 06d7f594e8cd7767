"""Have the deployment `run-batch` label a day's emails, once however often it is asked.

    python examples/flows/trigger.py 2026-11-22

It returns at once: a worker runs the job, on another machine if you like, and the
same day asked for again is the flow run that exists already.
"""

from __future__ import annotations

import sys
from typing import cast

from prefect.client.schemas.objects import FlowRun
from prefect.deployments import run_deployment

from batchwright import BatchJob


def label_day(
    day: str, folder: str = "s3://lake", deployment: str = "run-batch/run-batch"
) -> FlowRun:
    """Ask for a run over `folder/emails/DAY.csv`; returns the day's one flow run."""
    job = BatchJob(
        input=f"{folder}/emails/{day}.csv",
        prompt="Is this email spam? Answer in one sentence: {{ email }}",
        model="gpt-5-mini",
        output=f"{folder}/labels/{day}.parquet",
    )
    made = run_deployment(
        deployment,
        parameters={
            "job": job.model_dump(exclude_defaults=True),
            "run_dir": f"{folder}/runs/{day}",
            "wait": "detach",
        },
        idempotency_key=f"label-{day}",
        timeout=0,
    )
    return cast("FlowRun", made)  # in async code it is a coroutine


if __name__ == "__main__":
    print(label_day(sys.argv[1]).name)
