"""Wait until a batch is over."""

from __future__ import annotations

from prefect import task

from ..models import Batch
from ..runs.pause import growing, patiently, pause
from ..settings import get_settings
from ._policy import POLICY
from .credentials import client_of

__all__ = ["wait_for_batch"]


@task(task_run_name="wait-{batch_id}", **POLICY)
def wait_for_batch(
    batch_id: str, provider: str = "openai", credentials: str | None = None
) -> Batch:
    """Return the batch once the provider is done with it, failed ones too.

    One task run however long it takes. Looks after `BATCHWRIGHT_POLL_SECONDS`, and
    then ever more rarely. Never cancels the batch.
    """
    client = client_of(provider, credentials)
    settings = get_settings()
    for seconds in growing(settings.poll_seconds, settings.max_poll_seconds):
        batch = patiently(lambda: client.retrieve(batch_id), f"Looking at {batch_id}")
        if batch.status.is_final:
            return batch
        pause(seconds)
    raise AssertionError("pauses never end")
