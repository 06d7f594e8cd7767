"""Ask a provider to stop a batch."""

from __future__ import annotations

from prefect import task

from ..models import Batch
from ..providers import get_provider
from ._policy import POLICY

__all__ = ["cancel_batch"]


@task(task_run_name="cancel-{batch_id}", **POLICY)
def cancel_batch(batch_id: str, provider: str = "openai") -> Batch:
    """Stop a batch; what already ran stays downloadable, and is billed."""
    return get_provider(provider).cancel(batch_id)
