"""Runs batches in the background: checks their input and writes their results."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import orjson

from ...errors import is_disk_full
from ..answers.answers import Ask
from ..faults import Faults
from ..openai.check import check_requests
from .clock import Clock
from .produce import answer_requests, write_results
from .results import WorkFile
from .rows import BatchRow, FileRow
from .store import Store
from .timeline import look, plan_of

__all__ = ["Worker"]

_THREADS = 4
_UNSTICK_SECONDS = 2
"""What is still at work by then has found room."""
_log = logging.getLogger(__name__)


class Worker:
    """A few threads; each batch is one piece of work that can be done again."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        faults: Callable[[], Faults],
        ask: Ask,
    ) -> None:
        self._store = store
        self._clock = clock
        self._faults = faults
        self._ask = ask
        self._lock = threading.Condition()
        self._again: dict[str, bool] = {}
        self._stuck: set[str] = set()
        self._done: dict[str, int] = {}
        self._stopping = False
        self._pool = ThreadPoolExecutor(_THREADS, thread_name_prefix="sandbox")
        self._ledger = threading.Lock()

    def resume(self) -> None:
        """Go on with every batch that an earlier process left unfinished."""
        for row in self._store.select(BatchRow, newest_first=False, ready=False):
            if row.errors is None:
                self.start(row.id)

    def start(self, batch_id: str) -> None:
        """Work on a batch soon; where that is under way, once more after it."""
        with self._lock:
            under_way = batch_id in self._again
            self._again[batch_id] = True
        if under_way:
            return
        self._pool.submit(self._run, batch_id).add_done_callback(_report)

    def cancel(self, row: BatchRow) -> None:
        """Ask a batch to stop; what ran by now is kept."""
        now = self._clock.now()
        moment = look(row, plan_of(row), now)
        ran = int(row.total * moment.fraction)
        if not row.ready:
            ran = min(ran, self._done.get(row.id, 0))
        self._store.update(BatchRow, row.id, cancel_at=now, cancel_ran=ran, ready=False)
        self.start(row.id)

    def stop(self) -> None:
        """Stop soon; unfinished batches are for `resume`."""
        self._stopping = True
        self._pool.shutdown(wait=True, cancel_futures=True)

    def done(self, batch_id: str) -> int:
        """Return how many requests of a running batch have their result."""
        return self._done.get(batch_id, 0)

    def wait_idle(self, timeout_seconds: float | None = None) -> bool:
        """Wait until there is nothing left to do; False where that took too long."""
        with self._lock:
            return self._lock.wait_for(lambda: not self._again, timeout_seconds)

    @property
    def is_stuck(self) -> bool:
        """Whether a batch stands still because the disk is full."""
        return bool(self._stuck)

    def unstick(self) -> bool:
        """Go on with batches that found no room; False where there still is none."""
        with self._lock:
            stuck = {*self._stuck}
            self._stuck.clear()
        for batch_id in stuck:
            self.start(batch_id)
        with self._lock:
            self._lock.wait_for(lambda: not stuck & {*self._again}, _UNSTICK_SECONDS)
            return not stuck & self._stuck

    def _run(self, batch_id: str) -> None:
        try:
            while self._is_wanted(batch_id):
                self._work(batch_id)
        except BaseException as exc:
            full = isinstance(exc, OSError) and is_disk_full(exc)
            with self._lock:
                if full:
                    self._stuck.add(batch_id)
                del self._again[batch_id]
                self._lock.notify_all()
            if not full:
                raise

    def _is_wanted(self, batch_id: str) -> bool:
        """Whether to work on it once more; where not, `start` makes a new job."""
        with self._lock:
            if self._again[batch_id] and not self._stopping:
                self._again[batch_id] = False
                return True
            del self._again[batch_id]
            self._lock.notify_all()
            return False

    def _work(self, batch_id: str) -> None:
        row = self._store.get(BatchRow, batch_id)
        if row is None or row.ready or row.errors is not None:
            return
        if not row.validated:
            row = self._check(row)
            if row.errors is not None:
                return
        work = WorkFile(self._store.path(f"{row.id}.work"))
        try:
            for done in answer_requests(row, work, self._store, self._ask, self._clock):
                self._done[row.id] = done
                if self._stopping or self._again.get(row.id):
                    return
            if write_results(row, work, self._store):
                work.delete()
                self._done.pop(row.id, None)
        finally:
            work.close()

    def _check(self, row: BatchRow) -> BatchRow:
        plan = plan_of(row)
        settings = self._faults()
        file = self._store.get(FileRow, row.input_file_id or "", row.account)
        if file is None or _is_over(file.expires_at, row.created_at):
            missing = (
                f"Cannot find file {row.input_file_id}, or organization"
                f" org-sandbox-{row.account} does not have access to it."
            )
            return self._refuse(row, [_problem("invalid_request", missing, "file_id")])
        if plan.effects.fail:
            return self._refuse(row, [each.model_dump() for each in plan.effects.fail])
        found = check_requests(self._store.path(file.id), row.endpoint or "", settings)
        if found.errors:
            return self._refuse(row, found.errors)
        row = replace(
            row,
            total=found.total,
            tokens=found.tokens,
            model=found.model,
            first_custom_id=found.first_custom_id,
            validated=True,
        )
        with self._ledger:
            limit = settings.limits.openai_enqueued_tokens
            if limit is not None and self._enqueued(row) + row.tokens > limit:
                text = (
                    f"Enqueued token limit reached for {row.model} in organization"
                    f" org-sandbox-{row.account}. Limit: {limit:,} enqueued tokens."
                    " Please try again once some in_progress batches have been"
                    " completed."
                )
                return self._refuse(row, [_problem("token_limit_exceeded", text, None)])
            self._store.update(
                BatchRow,
                row.id,
                total=row.total,
                tokens=row.tokens,
                model=row.model,
                first_custom_id=row.first_custom_id,
                validated=True,
            )
        return row

    def _refuse(self, row: BatchRow, errors: list[dict[str, Any]]) -> BatchRow:
        text = orjson.dumps(errors).decode()
        self._store.update(BatchRow, row.id, errors=text, validated=True)
        return replace(row, errors=text, validated=True)

    def _enqueued(self, row: BatchRow) -> int:
        """Sum the tokens of the account's open batches for the same model."""
        lag = self._faults().limits.release_lag_seconds
        now = self._clock.now()
        others = self._store.select(
            BatchRow, provider="openai", account=row.account, model=row.model
        )
        tokens = 0
        for other in others:
            moment = look(other, plan_of(other), now)
            free_at = (moment.ended_at or now) + lag
            if other.errors is None and not (moment.is_final and now >= free_at):
                tokens += other.tokens
        return tokens


def _is_over(expires_at: float | None, now: float) -> bool:
    return expires_at is not None and expires_at <= now


def _problem(code: str, message: str, param: str | None) -> dict[str, Any]:
    return {"code": code, "message": message, "param": param, "line": None}


def _report(job: Future[None]) -> None:
    """Say why a batch stands still; nobody waits for the job itself."""
    if not job.cancelled() and (error := job.exception()):
        _log.error("A sandbox batch stopped: %s", error, exc_info=error)
