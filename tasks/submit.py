"""Create a batch from a request file."""

from __future__ import annotations

from pathlib import Path

from prefect import task

from ..models import Batch
from ..providers import DEFAULT_PROVIDER
from ..runs.create.submit_file import submit_file
from ._log import logged
from ._policy import RETRIED
from .credentials import client_of

__all__ = ["submit_batch"]


@task(task_run_name="submit-batch", **RETRIED)
def submit_batch(
    requests_path: str | Path,
    provider: str = DEFAULT_PROVIDER,
    label: str | None = None,
    metadata: dict[str, str] | None = None,
    credentials: str | None = None,
    model: str | None = None,
) -> Batch:
    """Create a batch from a request file; billed from here on.

    A retry, or the same call tomorrow, re-attaches to the batch that the file
    already has: its attempts are on record in `<requests_path>.batch/`. A warning says
    where a batch is only likely to be the one of a call whose response was lost.

    Args:
        requests_path: A local JSONL file, as `generate_requests` writes it.
        provider: The name of the vendor, as `--provider` takes it.
        label: A new label asks for a new batch from the same file, billed anew.
        metadata: Pairs for the batch, at most 15; a vendor without metadata gets
            none.
        credentials: The block with the key, `secret/NAME` or `VENDOR-credentials/NAME`;
            None takes the environment's.
        model: Its model, where the requests do not name it.

    Returns:
        The batch as it is now.

    Raises:
        InputError: The file would be refused; the text lists the problems.
        RunBusyError: Another process is submitting this file.
        ProviderError: The provider refused, and there is no batch.
    """
    client = client_of(provider, credentials)
    with logged():
        return submit_file(
            Path(requests_path), client, label=label, metadata=metadata, model=model
        ).batch
