"""When the work was meant to begin: what `{date:...}` stands for in a flow."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from prefect.client.orchestration import get_client
from prefect.runtime import flow_run

__all__ = ["root_started"]


def root_started() -> datetime | None:
    """Return the expected start of the root flow run, whatever retries it has seen."""
    root = flow_run.root_flow_run_id
    started: datetime | None
    if root is None or root == flow_run.id:
        started = flow_run.scheduled_start_time
    else:
        with get_client(sync_client=True) as client:
            started = client.read_flow_run(UUID(root)).expected_start_time
    return started
