"""Wait until a batch is over."""

from __future__ import annotations

from prefect import task

from ..models import Batch
from ..providers import DEFAULT_PROVIDER
from ..runs.collect import wait
from ._policy import POLICY
from .credentials import client_of

__all__ = ["wait_for_batch"]


@task(task_run_name="wait-{batch_id}", **POLICY)
def wait_for_batch(
    batch_id: str, provider: str = DEFAULT_PROVIDER, credentials: str | None = None
) -> Batch:
    """Return the batch once the provider is done with it, failed ones too.

    One task run however long it takes. Looks at once, again after
    `BATCHWRIGHT_POLL_SECONDS`, and then ever more rarely, up to
    `BATCHWRIGHT_MAX_POLL_SECONDS` apart; more often again when requests are answered.
    Never cancels the batch.

    Args:
        batch_id: The batch.
        provider: The name of the vendor, as `--provider` takes it.
        credentials: The block with the key, `secret/NAME` or `VENDOR-credentials/NAME`;
            None takes the environment's.

    Raises:
        UnknownBatchError: The provider knows no such batch under this key.
        ProviderError: It refuses to say, or could not be reached for
            `BATCHWRIGHT_PATIENCE_SECONDS`; the batch goes on all the same.
    """
    return wait.wait_for_batch(client_of(provider, credentials), batch_id)
