"""Ask a provider to stop a batch."""

from __future__ import annotations

from prefect import task

from ..models import Batch
from ._policy import POLICY
from .credentials import client_of

__all__ = ["cancel_batch"]


@task(task_run_name="cancel-{batch_id}", **POLICY)
def cancel_batch(
    batch_id: str, provider: str = "openai", credentials: str | None = None
) -> Batch:
    """Stop a batch; what already ran stays downloadable, and is billed."""
    return client_of(provider, credentials).cancel(batch_id)
