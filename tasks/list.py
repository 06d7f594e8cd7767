"""List the batches of an account."""

from __future__ import annotations

from prefect import task

from ..models import Batch
from ._policy import POLICY
from .credentials import client_of

__all__ = ["list_batches"]


@task(task_run_name="list-batches", **POLICY)
def list_batches(
    limit: int = 10, provider: str = "openai", credentials: str | None = None
) -> list[Batch]:
    """Return up to `limit` batches, newest first."""
    return list(client_of(provider, credentials).list(limit))
