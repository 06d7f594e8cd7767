"""Turn rows into files of requests."""

from __future__ import annotations

from prefect import task

from ..data.job import BatchJob
from ..data.requests.files import write_request_files
from ._policy import RETRIED

__all__ = ["generate_requests"]


@task(task_run_name="generate-requests", **RETRIED)
def generate_requests(job: BatchJob) -> list[str]:
    """Write the job's requests to `job.output`, a `.jsonl` file; nothing is sent.

    No key is needed. Files that are there are replaced only if the job says
    `overwrite`.

    Returns:
        The files; more than one, numbered, where one batch cannot hold all.

    Raises:
        InputError: A row that cannot be sent, or a file that is in the way.
    """
    return [str(path) for path in write_request_files(job)]
