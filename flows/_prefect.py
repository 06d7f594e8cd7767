"""What our flows share of Prefect: runner, names, start time, errors."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any, ParamSpec, TypeVar, cast
from uuid import UUID

import httpx
from prefect import Flow
from prefect.client.orchestration import get_client
from prefect.context import FlowRunContext
from prefect.exceptions import PrefectHTTPStatusError
from prefect.futures import PrefectFuture
from prefect.runtime import deployment, flow_run
from prefect.settings import (
    PREFECT_API_TLS_INSECURE_SKIP_VERIFY,
    PREFECT_API_URL,
    PREFECT_FLOWS_HEARTBEAT_FREQUENCY,
    PREFECT_UI_URL,
    get_current_settings,
    temporary_settings,
)
from prefect.task_runners import TaskRunner, ThreadPoolTaskRunner

from ..data.resolve import fill_dates
from ..errors import ServerStartError
from ..tasks.names import run_name
from .server import api_url, drop_server, start_server

__all__ = [
    "explained",
    "our_flow",
    "resume_run_name",
    "retry_run_name",
    "root_run",
    "run_batch_name",
    "served",
]

P = ParamSpec("P")
R = TypeVar("R")

_START_SECONDS = 300
"""A new PREFECT_HOME needs about 20 s of migrations, more on a slow machine."""
_ephemeral = get_current_settings().server.ephemeral
if "startup_timeout_seconds" not in _ephemeral.model_fields_set:
    # For this process: also where a user's own flow calls ours.
    _ephemeral.startup_timeout_seconds = _START_SECONDS

_OPTIONS: dict[str, Any] = {
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


class _ServedFlow(Flow[P, R]):
    """A flow that starts our own server where it is called and Prefect has none."""

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Run the flow."""
        with served():
            return super().__call__(*args, **kwargs)

    def with_options(self, **options: Any) -> Flow[P, R]:
        """Return a copy with other options."""
        changed = super().with_options(**options)
        changed.__class__ = type(self)  # Prefect makes a plain flow
        return changed


def our_flow(
    flow_run_name: str | Callable[[], str],
) -> Callable[[Callable[P, R]], Flow[P, R]]:
    """Decorate a function as `prefect.flow` does, with the options of all our flows."""
    return lambda function: _ServedFlow(
        function, flow_run_name=flow_run_name, **_OPTIONS
    )


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


@contextmanager
def served() -> Iterator[None]:
    """Within the block, Prefect has a server: one that its settings name, or our own.

    Raises:
        ServerStartError: Our own did not start.
    """
    settings = get_current_settings()
    ephemeral = settings.server.ephemeral
    if settings.api.url:
        drop_server(settings.api.url)
    if settings.api.url or not ephemeral.enabled or FlowRunContext.get() is not None:
        yield
        return
    start_server(partial(settings.to_environment_variables, exclude_unset=True))
    changes = {
        PREFECT_API_URL: api_url(ephemeral.startup_timeout_seconds),
        PREFECT_UI_URL: "",  # it has no pages
        # Nothing is encrypted on the way to it, and each client of it would spend 30 ms
        # on reading all certificates.
        PREFECT_API_TLS_INSECURE_SKIP_VERIFY: True,
        # It ends with this process, so nobody would miss them.
        PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None,
    }
    with temporary_settings(changes):
        yield


def explained(exc: Exception) -> str | None:
    """Return what is wrong with Prefect's server, as a sentence; None: it is not."""
    if isinstance(exc, ServerStartError):
        return str(exc)
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
