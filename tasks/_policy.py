"""How our tasks cache, store and retry."""

from __future__ import annotations

from typing import Any

from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State, TaskRun
from prefect.tasks import Task, exponential_backoff

from ..errors import BatchwrightError

__all__ = ["POLICY", "RETRIED"]


def _may_pass(_task: Task[..., Any], _run: TaskRun, state: State[Any]) -> bool:
    """Whether the task failed for a reason that waiting can help; errors say so."""
    error = state.result(raise_on_failure=False)
    return isinstance(error, BatchwrightError) and error.retryable


POLICY: dict[str, Any] = {
    # A cached or stored answer would hide what the provider says now.
    "cache_policy": NO_CACHE,
    "persist_result": False,
}
"""For tasks whose calls `patiently` repeats for hours, as on the command line.

Prefect's retries would only multiply those hours. They do not help against a worker
that crashed either: a new flow run on the same directory does.
"""

RETRIED: dict[str, Any] = POLICY | {
    "retries": 3,
    "retry_delay_seconds": exponential_backoff(backoff_factor=10),
    "retry_jitter_factor": 0.5,
    "retry_condition_fn": _may_pass,
}
"""For tasks that call the provider once: errors that say `retryable` are retried."""
