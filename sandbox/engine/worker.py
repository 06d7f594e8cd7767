"""Runs batches in the background: checks their input and produces their results."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace

from ...errors import is_disk_full
from ..answers.answer import AnswerSource
from ..faults import Faults
from .clock import Clock
from .produce import Format, answer_requests, publish_results
from .results import WorkFile
from .store import BatchRow, Store
from .timeline import moment_at

__all__ = ["Worker"]

_THREADS = 4
_RETRY_SECONDS = 2
"""A batch that is still running after that long has found space on the disk."""
_log = logging.getLogger(__name__)


class Worker:
    """A few threads; work on a batch can be interrupted and repeated at any point."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        faults: Callable[[], Faults],
        formats: Mapping[str, Format],
        source: AnswerSource,
    ) -> None:
        self._store = store
        self._clock = clock
        self._faults = faults
        self._formats = formats
        self._source = source
        self._lock = threading.Condition()
        self._wanted: dict[str, bool] = {}
        """Batches with a job, and whether the job must run once more."""
        self._stuck: set[str] = set()
        self._done: dict[str, int] = {}
        self._stopping = False
        self._pool = ThreadPoolExecutor(_THREADS, thread_name_prefix="sandbox")
        self._checking = threading.Lock()

    def resume(self) -> None:
        """Continue with every batch that an earlier process left unfinished."""
        for row in self._store.select(BatchRow, newest_first=False, ready=False):
            if row.errors is None:
                self.start(row.id)

    def start(self, batch_id: str) -> None:
        """Run a batch soon; a job that is running already runs once more."""
        with self._lock:
            has_job = batch_id in self._wanted
            self._wanted[batch_id] = True
        if not has_job:
            self._pool.submit(self._run, batch_id).add_done_callback(_log_error)

    def cancel(self, row: BatchRow) -> None:
        """Stop a batch; what has run by now is kept."""
        now = self._clock.now()
        ran = int(row.total * moment_at(row, now).fraction)
        if not row.ready:
            ran = min(ran, self.done(row.id))
        self._store.update(BatchRow, row.id, cancel_at=now, cancel_ran=ran, ready=False)
        self.start(row.id)

    def stop(self) -> None:
        """Stop soon; `resume` continues with unfinished batches."""
        self._stopping = True
        self._pool.shutdown(wait=True, cancel_futures=True)

    def done(self, batch_id: str) -> int:
        """Return how many requests of a running batch have a result."""
        return self._done.get(batch_id, 0)

    def wait_idle(self, timeout_seconds: float | None = None) -> bool:
        """Wait until no job is left; False after the timeout."""
        with self._lock:
            return self._lock.wait_for(lambda: not self._wanted, timeout_seconds)

    @property
    def is_stuck(self) -> bool:
        """Whether a batch has stopped because the disk is full."""
        return bool(self._stuck)

    def retry_stuck(self) -> bool:
        """Continue with the stuck batches; False if the disk is still full."""
        with self._lock:
            stuck = {*self._stuck}
            self._stuck.clear()
        for batch_id in stuck:
            self.start(batch_id)
        with self._lock:
            self._lock.wait_for(lambda: not stuck & {*self._wanted}, _RETRY_SECONDS)
            return not stuck & self._stuck

    def _run(self, batch_id: str) -> None:
        try:
            while self._must_run(batch_id):
                self._work(batch_id)
        except BaseException as exc:
            full = isinstance(exc, OSError) and is_disk_full(exc)
            with self._lock:
                if full:
                    self._stuck.add(batch_id)
                del self._wanted[batch_id]
                self._lock.notify_all()
            if not full:
                raise

    def _must_run(self, batch_id: str) -> bool:
        """Return whether to run a batch once more; if not, its job ends."""
        with self._lock:
            if self._wanted[batch_id] and not self._stopping:
                self._wanted[batch_id] = False
                return True
            del self._wanted[batch_id]
            self._lock.notify_all()
            return False

    def _work(self, batch_id: str) -> None:
        row = self._store.get(BatchRow, batch_id)
        if row is None or row.ready:
            return
        form = self._formats[row.provider]
        if not row.validated and form.check is not None:
            # One at a time: the token limit counts the batches accepted before.
            with self._checking:
                now = self._clock.now()
                columns = form.check(row, self._store, self._faults(), now)
                columns["validated"] = True
                self._store.update(BatchRow, row.id, **columns)
            row = replace(row, **columns)
        if row.errors is not None:
            return
        work = WorkFile(self._store.path(f"{row.id}.work"))
        try:
            for done in answer_requests(row, work, self._store, self._source, form):
                self._done[row.id] = done
                if self._stopping or self._wanted.get(row.id):
                    return
            if publish_results(row, work, self._store, form):
                work.delete()
                self._done.pop(row.id, None)
        finally:
            work.close()


def _log_error(job: Future[None]) -> None:
    """Log why a batch has stopped; nobody waits for the job itself."""
    if not job.cancelled() and (error := job.exception()):
        _log.error("A sandbox batch stopped: %s", error, exc_info=error)
