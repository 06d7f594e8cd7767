"""What our flows share of Prefect: runner, names, start time, embedded server."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, cast
from uuid import UUID

from prefect.client.orchestration import get_client
from prefect.futures import PrefectFuture
from prefect.runtime import deployment, flow_run
from prefect.server.api.server import SubprocessASGIServer
from prefect.task_runners import TaskRunner, ThreadPoolTaskRunner

from ..data.resolve import fill_dates
from ..tasks.names import run_name

__all__ = [
    "OPTIONS",
    "kill_embedded_servers",
    "resume_run_name",
    "root_run",
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
    named = given["run_dir"] or given["job"].output
    return f"run-batch {run_name(fill_dates(named, root_run().started_at))}"


def resume_run_name() -> str:
    """Return a name after the run's directory."""
    return f"resume {run_name(flow_run.parameters['run_dir'])}"


@dataclass(frozen=True, slots=True)
class RootRun:
    """The flow run in which all others of this process's work are."""

    id: str
    started_at: datetime
    """Its expected start, whatever retries it has seen; it fills `{date:...}`."""
    is_deployed: bool
    """Whether a deployment started it, or the flow run below it that asks."""


def root_run() -> RootRun:
    """Return the root of this flow run; of a bare function call, one that begins now.

    It may be this flow run itself; otherwise Prefect's server is asked.
    """
    own = flow_run.id
    root = flow_run.root_flow_run_id
    is_deployed = deployment.id is not None
    if root is None or root == own:
        started_at = flow_run.scheduled_start_time or datetime.now(UTC)
        return RootRun(root or "", started_at, is_deployed)
    with get_client(sync_client=True) as client:
        found = client.read_flow_run(UUID(root))
    return RootRun(
        root,
        found.expected_start_time or datetime.now(UTC),
        is_deployed or found.deployment_id is not None,
    )


def kill_embedded_servers() -> None:
    """End the server that Prefect starts without an API URL; Prefect takes 2 s."""
    servers = SubprocessASGIServer._instances  # noqa: SLF001 - there is no public list
    for server in servers.values():
        if server.server_process is not None:
            server.server_process.kill()
