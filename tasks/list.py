"""List the batches of an account."""

from __future__ import annotations

from prefect import task

from ..models import Batch
from ..providers import get_provider
from ._policy import POLICY

__all__ = ["list_batches"]


@task(task_run_name="list-batches", **POLICY)
def list_batches(limit: int = 10, provider: str = "openai") -> list[Batch]:
    """Return up to `limit` batches, newest first."""
    return list(get_provider(provider).list(limit))
