"""What our flows share of Prefect: runner, names, start time, embedded server."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, cast
from uuid import UUID

from prefect.client.orchestration import get_client
from prefect.futures import PrefectFuture
from prefect.runtime import flow_run
from prefect.server.api.server import SubprocessASGIServer
from prefect.task_runners import TaskRunner, ThreadPoolTaskRunner

from ..data.resolve import fill_dates
from ..tasks.names import run_name

__all__ = [
    "OPTIONS",
    "kill_embedded_servers",
    "resume_run_name",
    "root_started",
    "run_batch_name",
]

OPTIONS: dict[str, Any] = {
    # A stored result would be given to a retry of the parent flow instead of what
    # is true by then; the report itself is in the run directory.
    "persist_result": False,
    # Four steps at a time keep a line busy, and are not too many for a small machine.
    # `run_batch.with_options(task_runner=...)` takes another runner.
    "task_runner": cast(
        # Prefect declares its own runners more narrowly than its flows take them.
        "TaskRunner[PrefectFuture[Any]]",
        ThreadPoolTaskRunner(max_workers=4),
    ),
}
"""The options of every flow."""


def run_batch_name() -> str:
    """Return a name after the run's directory, or after the output without one."""
    given = flow_run.parameters
    when = root_started() or datetime.now(UTC)
    named = given["run_dir"] or given["job"].output
    return f"run-batch {run_name(fill_dates(named, when))}"


def resume_run_name() -> str:
    """Return a name after the run's directory."""
    return f"resume {run_name(flow_run.parameters['run_dir'])}"


def root_started() -> datetime | None:
    """Return the expected start of the root flow run, whatever retries it has seen.

    `{date:...}` is filled with it.
    """
    root = flow_run.root_flow_run_id
    started: datetime | None
    if root is None or root == flow_run.id:
        started = flow_run.scheduled_start_time
    else:
        with get_client(sync_client=True) as client:
            started = client.read_flow_run(UUID(root)).expected_start_time
    return started


def kill_embedded_servers() -> None:
    """End the server that Prefect starts without an API URL; Prefect takes 2 s."""
    servers = SubprocessASGIServer._instances  # noqa: SLF001 - there is no public list
    for server in servers.values():
        if server.server_process is not None:
            server.server_process.kill()
