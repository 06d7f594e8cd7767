"""Prefect artifacts of a run: progress, batches, and at its end report and output.

The run does not need them, so a failure to write one stops nothing.
"""

from __future__ import annotations

import json
import logging
import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.parse import quote
from uuid import UUID

import httpx  # what Prefect's client raises
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.actions import ArtifactCreate, ArtifactUpdate
from prefect.client.schemas.filters import ArtifactFilter, ArtifactFilterKey
from prefect.client.schemas.objects import Artifact
from prefect.client.schemas.sorting import ArtifactSort
from prefect.exceptions import PrefectException
from prefect.runtime import flow_run, task_run

from ..data.files import is_url
from ..errors import BatchwrightError, RunBusyError, visible
from ..models import Batch, RunEvent
from ..runs.directory.run import Run
from ..runs.events import listening
from ..runs.report.batch_table import percent_done, shard_rows
from ..runs.report.markdown import markdown, plain
from ..runs.report.page import PAGE
from .names import run_name

__all__ = ["artifact_key", "shown", "table_data"]

_PAUSE_SECONDS = 5
"""Least time between two updates while the run goes on."""

_SHARE = 50
"""Updates take at most 1/50 of the time, even with thousands of shards."""

_SHOWN_ROWS = 500
"""A page with more is slow; the report and `batchwright status` list them all."""

_CHANGES = {
    *("generated", "submitted", "ended", "downloaded", "asking", "asked"),
    *("round", "parked"),
}
"""Events after which the run's directory has changed."""

_THIS_MACHINE = {"127.0.0.1", "::1", "localhost"}

_URL_CHARACTERS = "%:/?#[]@!$&'()*+,;=~"

_logger = logging.getLogger(__name__)


def artifact_key(run_dir: str, kind: str) -> str:
    """Return the key of a run's artifact, which is the same in every flow run.

    `kind` is `progress`, `batches`, `report` or `output`.
    """
    name = re.sub(r"[^a-z0-9]+", "-", run_name(run_dir).lower())
    digest = sha256(run_dir.encode()).hexdigest()[:6]
    return f"{name.strip('-')[:80]}-{digest}-{kind}".lstrip("-")


@contextmanager
def shown(run: Run, *, quiet: bool = False) -> Iterator[None]:
    """Keep the artifacts of this flow run up to date within the block and after it.

    With `quiet`, nothing is written that says the same as the run's last artifacts.
    """
    if flow_run.id is None:
        yield
        return
    board = _Board(run, quiet=quiet)
    try:
        with listening(board.hear):
            yield
    except RunBusyError:
        raise  # the other process keeps them
    except BatchwrightError:
        board.write()
        raise
    board.write()


class _Board:
    """The artifacts of one run in one flow run: made once, then updated in place."""

    def __init__(self, run: Run, *, quiet: bool) -> None:
        self._run = run
        self._quiet = quiet
        self._flow_run = UUID(flow_run.id)
        self._task_run = UUID(task_run.id) if task_run.id else None
        self._live: dict[str, Batch] = {}
        self._written: dict[str, tuple[UUID, Any]] = {}
        """By kind: the artifact's ID, and what it shows."""
        self._stale = False
        self._next = time.monotonic()
        self._lock = threading.Lock()
        self._broken = False

    def hear(self, event: RunEvent) -> None:
        """Take in an event, from any thread; write if it is time to."""
        with self._lock:
            for batch in event.batches:
                self._stale |= self._live.get(batch.id) != batch
                self._live[batch.id] = batch
            self._stale |= event.kind in _CHANGES
            started = time.monotonic()
            if self._stale and started >= self._next:
                self._write()
                took_seconds = time.monotonic() - started
                pause_seconds = max(_PAUSE_SECONDS, _SHARE * took_seconds)
                self._next = time.monotonic() + pause_seconds

    def write(self) -> None:
        """Write how the run is now."""
        with self._lock:
            self._write()

    def _write(self) -> None:
        self._stale = False
        if self._broken:
            return
        try:
            with get_client(sync_client=True) as client:
                self._write_all(client)
        except (BatchwrightError, OSError, httpx.HTTPError, PrefectException) as exc:
            self._broken = True
            url = self._run.directory.url
            text = visible(f"Prefect's pages show nothing more of {url}: {exc}")
            _logger.warning("%s", text)

    def _write_all(self, client: SyncPrefectClient) -> None:
        state = self._run.state()
        rows = shard_rows(state, self._run.job.provider, self._live)
        table = table_data(rows)
        if self._quiet and not self._written and state.report is None:
            last = self._last(client, "batches")
            if last is not None and _without_age(last.data) == _without_age(table):
                return
        percent = percent_done(state, self._live)
        self._put(client, "progress", "progress", percent, "Answered requests")
        self._put(client, "batches", "table", table, "Batches")
        if state.report is not None:
            is_here = client.api_url.host in _THIS_MACHINE
            text = markdown(state.report)
            if PAGE in state.names:
                page = f"{self._run.directory.url}/{PAGE}"
                text += f"\n## Rows\n\n{_link(page, is_here=is_here)}\n"
            link = _link(self._run.job.job.output, is_here=is_here)
            self._put(client, "report", "markdown", text, "Report")
            self._put(client, "output", "markdown", link, "Output")

    def _put(
        self, client: SyncPrefectClient, kind: str, form: str, data: Any, title: str
    ) -> None:
        url = self._run.directory.url
        artifact_id, before = self._written.get(kind, (None, None))
        if artifact_id is None:
            artifact_id = client.create_artifact(
                ArtifactCreate(
                    key=artifact_key(url, kind),
                    type=form,
                    description=f"{title} of run {plain(url)}",
                    data=data,
                    flow_run_id=self._flow_run,
                    task_run_id=self._task_run,
                )
            ).id
        elif before != data:
            client.update_artifact(artifact_id, ArtifactUpdate(data=data))
        self._written[kind] = artifact_id, data

    def _last(self, client: SyncPrefectClient, kind: str) -> Artifact | None:
        key = artifact_key(self._run.directory.url, kind)
        found = client.read_artifacts(
            limit=1,
            sort=ArtifactSort.UPDATED_DESC,
            artifact_filter=ArtifactFilter(key=ArtifactFilterKey(any_=[key])),
        )
        return found[0] if found else None


def table_data(rows: list[dict[str, Any]]) -> str:
    """Return the rows as Prefect stores a table: JSON text, at most 500 rows.

    Prefect's pages show the text of each cell as Markdown.
    """
    more = len(rows) - _SHOWN_ROWS
    if more > 0:
        rows = [*rows[:_SHOWN_ROWS], {"shard": f"and {more:,} more"}]
    return json.dumps(
        [
            {k: plain(v) if isinstance(v, str) else v for k, v in row.items()}
            for row in rows
        ]
    )


def _without_age(table: Any) -> list[dict[str, Any]]:
    return [{**row, "age": None} for row in json.loads(table)]


def _link(location: str, *, is_here: bool) -> str:
    """Return a link, if a browser can follow it; else the location as text.

    `is_here` says whether a path of this machine is one of the browser's machine too.
    """
    url = location if is_url(location) else Path(location).as_uri()
    if not url.startswith(("http://", "https://") + ("file://",) * is_here):
        return plain(location)
    return f"[{plain(location)}](<{quote(url, safe=_URL_CHARACTERS)}>)"
