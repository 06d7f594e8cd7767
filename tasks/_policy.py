"""How our tasks retry, cache and store: the same for all of them."""

from __future__ import annotations

from typing import Any

from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State, TaskRun
from prefect.tasks import Task, exponential_backoff

from ..errors import BatchwrightError

__all__ = ["POLICY"]


def _may_pass(_task: Task[..., Any], _run: TaskRun, state: State[Any]) -> bool:
    """Whether the task failed for a reason that waiting can help; errors say so."""
    try:
        state.result()
    except BatchwrightError as exc:
        return exc.retryable
    except Exception:  # noqa: BLE001 - anything else is a mistake, not a passing fault
        return False
    return False


POLICY: dict[str, Any] = {
    # A cached or stored answer would hide what the provider says now.
    "cache_policy": NO_CACHE,
    "persist_result": False,
    "retries": 3,
    "retry_delay_seconds": exponential_backoff(backoff_factor=10),
    "retry_jitter_factor": 0.5,
    "retry_condition_fn": _may_pass,
}
"""Retried: errors that say `retryable`. Never: what a person has to mend."""
