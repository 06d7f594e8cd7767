"""List the batches of an account."""

from __future__ import annotations

from prefect import task

from ..models import Batch
from ..providers import DEFAULT_PROVIDER
from ._policy import RETRIED
from .credentials import client_of

__all__ = ["list_batches"]


@task(task_run_name="list-batches", **RETRIED)
def list_batches(
    limit: int = 10, provider: str = DEFAULT_PROVIDER, credentials: str | None = None
) -> list[Batch]:
    """Return batches of the account, newest first.

    Args:
        limit: How many at most; a call brings 100 or more.
        provider: The name of the vendor, as `--provider` takes it.
        credentials: The block with the key, `secret/NAME` or `VENDOR-credentials/NAME`;
            None takes the environment's.
    """
    return list(client_of(provider, credentials).list(limit))
