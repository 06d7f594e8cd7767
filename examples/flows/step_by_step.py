"""Go the way of a batch one task at a time, for whom a whole run is too much.

    python examples/flows/step_by_step.py

Each file of requests is a batch; what is independent runs at the same time.
"""

from __future__ import annotations

from pathlib import Path

from prefect import flow, unmapped

from batchwright import BatchJob
from batchwright.tasks import (
    download_results,
    generate_requests,
    parse_results,
    submit_batch,
    wait_for_batch,
)

EXAMPLES = Path(__file__).parents[1]


@flow
def label_step_by_step(folder: str = "step-by-step") -> list[str]:
    """Label the emails; returns one table per batch.

    A retry of the flow makes the same files again, and finds the batches that they
    have already.
    """
    job = BatchJob(
        input=str(EXAMPLES / "emails.csv"),
        prompt="Classify this email: {{ email }}",
        model="gpt-5-mini",
        response_model=f"{EXAMPLES / 'email_model.py'}:Classification",
        max_requests_per_batch=8,
        output=f"{folder}/requests.jsonl",
        overwrite=True,
    )
    requests = generate_requests(job)
    batches = [batch.id for batch in submit_batch.map(requests).result()]
    wait_for_batch.map(batches).wait()
    results = download_results.map(batches, [f"{path}.results" for path in requests])
    tables = [f"{path}.csv" for path in requests]
    return parse_results.map(results, tables, unmapped(job.response_model)).result()


if __name__ == "__main__":
    label_step_by_step()
