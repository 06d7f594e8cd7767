"""Ask two models about the same rows, at the same time, from an async flow.

    python examples/flows/two_models.py

`run_batch` is sync, so each of the two waits in a thread of its own.
"""

from __future__ import annotations

import asyncio
from pathlib import Path

from prefect import flow

from batchwright import BatchJob, RunReport, run_batch

EXAMPLES = Path(__file__).parents[1]
MODELS = ("gpt-5-mini", "claude-sonnet-4-5")


def job(model: str, folder: str) -> BatchJob:
    """Return what to ask one of the models."""
    return BatchJob(
        input=str(EXAMPLES / "emails.csv"),
        prompt="Classify this email: {{ email }}",
        model=model,
        response_model=f"{EXAMPLES / 'email_model.py'}:Classification",
        output=f"{folder}/{model}.csv",
        overwrite=True,
    )


@flow
async def compare(folder: str = "labels") -> dict[str, float | None]:
    """Label the emails with both models; returns what each of them cost."""
    jobs = [job(model, folder) for model in MODELS]
    reports: list[RunReport] = await asyncio.gather(
        *(asyncio.to_thread(run_batch, each) for each in jobs)
    )
    return {report.model: report.cost_usd for report in reports}


if __name__ == "__main__":
    asyncio.run(compare())
