"""What our flows share of Prefect: runner, names, start time, errors."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, cast
from uuid import UUID

import httpx
from prefect.client.orchestration import get_client
from prefect.exceptions import PrefectHTTPStatusError
from prefect.futures import PrefectFuture
from prefect.runtime import deployment, flow_run
from prefect.settings import PREFECT_API_URL
from prefect.task_runners import TaskRunner, ThreadPoolTaskRunner

from ..data.resolve import fill_dates
from ..tasks.names import run_name

__all__ = [
    "OPTIONS",
    "embed_server",
    "explained",
    "resume_run_name",
    "retry_run_name",
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
    named = str(given["run_dir"] or given["job"].output)
    return f"run-batch {run_name(fill_dates(named, root_run().started_at))}"


def resume_run_name() -> str:
    """Return a name after the run's directory."""
    return f"resume {run_name(str(flow_run.parameters['run_dir']))}"


def retry_run_name() -> str:
    """Return a name after the run's directory."""
    return f"retry {run_name(str(flow_run.parameters['run_dir']))}"


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


def embed_server() -> None:
    """Let Prefect start its server as ours, if it has no address of one."""
    if PREFECT_API_URL.value() is None:
        from .server import Server  # noqa: PLC0415 - of 4 s that a flow loads, 2 s

        Server()  # the first instance is the one that Prefect uses


def explained(exc: Exception) -> str | None:
    """Return what is wrong with Prefect's server, as a sentence; None: it is not."""
    if isinstance(exc, httpx.TransportError):
        return (
            f"Prefect's server does not answer any more ({exc or type(exc).__name__})."
        )
    if isinstance(exc, PrefectHTTPStatusError) and exc.response.is_server_error:
        return f"Prefect's server fails ({exc.response.status_code})."
    if isinstance(exc, RuntimeError) and _NO_SERVER.search(str(exc)):
        return f"Prefect's server cannot be reached: {str(exc).rstrip('.')}."
    return None


_NO_SERVER = re.compile("Failed to reach API|ephemeral Prefect API server")
