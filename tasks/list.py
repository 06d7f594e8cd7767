"""List the batches of an account."""

from __future__ import annotations

from prefect import task

from ..models import Batch
from ._policy import RETRIED
from .credentials import client_of

__all__ = ["list_batches"]


@task(task_run_name="list-batches", **RETRIED)
def list_batches(
    limit: int = 10, provider: str = "openai", credentials: str | None = None
) -> list[Batch]:
    """Return batches of the account, newest first.

    Args:
        limit: How many at most; a call brings up to 100, or 1,000 of Anthropic's.
        provider: `openai` or `anthropic`.
        credentials: The block with the key, `openai-credentials/NAME` or the like;
            None takes the environment's.
    """
    return list(client_of(provider, credentials).list(limit))
