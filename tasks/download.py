"""Download what a batch holds."""

from __future__ import annotations

from pathlib import Path

from prefect import task

from ..providers import DEFAULT_PROVIDER
from ..runs.collect.download_file import download_file
from ..runs.pause import patiently
from ._policy import POLICY
from .credentials import client_of

__all__ = ["download_results"]


@task(task_run_name="download-{batch_id}", **POLICY)
def download_results(
    batch_id: str,
    path: str | Path,
    provider: str = DEFAULT_PROVIDER,
    credentials: str | None = None,
) -> str:
    """Write output and error lines of an ended batch to a local file.

    Expired and cancelled batches give what they hold. Repeating it gives the same
    file again.

    Args:
        batch_id: The batch.
        path: The file to write; one that is there is replaced, and the name appears
            when the file is whole.
        provider: The name of the vendor, as `--provider` takes it.
        credentials: The block with the key, `secret/NAME` or `VENDOR-credentials/NAME`;
            None takes the environment's.

    Returns:
        The path.

    Raises:
        BatchNotEndedError: Requests are still running.
        BatchFailedError: The provider refused the input, so nothing ran.
        ResultsGoneError: The provider does not show the results, or not all.
    """
    client = client_of(provider, credentials)
    patiently(
        lambda: download_file(client, batch_id, Path(path)),
        f"The download of {batch_id}",
    )
    return str(path)
