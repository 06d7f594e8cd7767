"""Ask a provider to stop a batch."""

from __future__ import annotations

from prefect import task

from ..models import Batch
from ..providers import DEFAULT_PROVIDER
from ._policy import RETRIED
from .credentials import client_of

__all__ = ["cancel_batch"]


@task(task_run_name="cancel-{batch_id}", **RETRIED)
def cancel_batch(
    batch_id: str, provider: str = DEFAULT_PROVIDER, credentials: str | None = None
) -> Batch:
    """Ask the provider to stop a batch; safe to repeat.

    What already ran stays downloadable, and is billed.

    Args:
        batch_id: The batch; one that is over is left as it is.
        provider: The name of the vendor, as `--provider` takes it.
        credentials: The block with the key, `secret/NAME` or `VENDOR-credentials/NAME`;
            None takes the environment's.

    Returns:
        The batch as it is now; it may take ten minutes until it is over.

    Raises:
        UnknownBatchError: The provider knows no such batch under this key.
    """
    return client_of(provider, credentials).cancel(batch_id)
