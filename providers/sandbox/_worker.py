"""Runs batches in the background: checks their input and writes their results."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from typing import Any, TypeVar

import orjson

from . import _anthropic_lines, _openai_lines
from ._clock import Clock
from ._openai_check import check_requests, read_lines
from ._results import WorkFile, write_lines
from ._say import Say, synthetic
from ._store import BatchRow, FileRow, Store
from ._timeline import Plan, look, runs_of
from .faults import AnswerFault, Faults

__all__ = ["Worker", "plan_of"]

_THREADS = 4
_OUTPUT_SECONDS = 30 * 86_400

_In = TypeVar("_In")
_Out = TypeVar("_Out")
Result = tuple[bytes, str, tuple[int, int]]


def plan_of(row: BatchRow) -> Plan:
    """Return what was settled for a batch when it was created."""
    return Plan.model_validate_json(row.plan)


class Worker:
    """A few threads; each batch is one piece of work that can be done again.

    `at_once` is how many requests of a batch may be asked at the same time.
    """

    def __init__(
        self,
        store: Store,
        clock: Clock,
        faults: Callable[[], Faults],
        say: Say = synthetic,
        at_once: int = 1,
    ) -> None:
        self._store = store
        self._clock = clock
        self._faults = faults
        self._say = say
        self._at_once = at_once
        self._lock = threading.Lock()
        self._again: dict[str, bool] = {}
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
            if batch_id in self._again:
                self._again[batch_id] = True
                return
            self._again[batch_id] = False
        self._pool.submit(self._run, batch_id)

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

    def _run(self, batch_id: str) -> None:
        while not self._stopping:
            self._work(batch_id)
            with self._lock:
                if not self._again[batch_id]:
                    del self._again[batch_id]
                    return
                self._again[batch_id] = False

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
            self._answer(row, work)
            if self._stopping or self._again.get(row.id):
                return
            self._finish(row, work)
        finally:
            work.close()

    def _check(self, row: BatchRow) -> BatchRow:
        plan = plan_of(row)
        settings = self._faults()
        file = self._store.get(FileRow, row.input_file_id or "", row.account)
        if file is None or _is_over(file.expires_at, row.created_at):
            missing = f"Cannot find file {row.input_file_id}, or this organization does not have access to it."
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

    def _answer(self, row: BatchRow, work: WorkFile) -> None:
        """Append the results that are still missing, then those that never ran."""
        plan = plan_of(row)
        runs, why = runs_of(row, plan)
        openai = row.provider == "openai"
        source = self._store.path((openai and row.input_file_id) or row.id)
        work.keep(runs)
        begun = len(work)
        now = self._clock.now()

        def result(numbered: tuple[int, bytes]) -> Result:
            number, line = numbered
            request = orjson.loads(line)
            if number > runs:
                return _leftover(row.provider, request["custom_id"], why)
            fault = _fault(plan, number, request["custom_id"])
            if openai:
                return _openai_lines.answer_line(
                    request, row.endpoint or "", plan.seed, self._say, fault, now
                )
            return _anthropic_lines.answer_line(request, plan.seed, self._say, fault)

        todo = (
            (number, line)
            for number, line in enumerate(read_lines(source), 1)
            if number > begun
        )
        for line, kind, tokens in _ordered(result, todo, self._at_once):
            work.add(kind, tokens, line)
            self._done[row.id] = len(work)
            if self._stopping or self._again.get(row.id):
                return

    def _finish(self, row: BatchRow, work: WorkFile) -> None:
        """Turn the results into the provider's files."""
        plan = plan_of(row)
        lines = plan.effects.lines
        order = work.order(plan.seed, shuffle=lines.shuffle)
        changes: dict[str, Any] = {
            "ready": True,
            "succeeded": work.kinds.count("succeeded"),
            "errored": work.kinds.count("errored"),
            "expired": work.kinds.count("expired"),
            "cancelled": work.kinds.count("cancelled"),
            "usage": orjson.dumps([work.input_tokens, work.output_tokens]).decode(),
        }
        added: list[FileRow] = []
        if row.provider == "anthropic":
            path = self._store.path(f"{row.id}.results")
            write_lines(path, work.read(order), lines, plan.seed)
        else:
            good = [n for n in order if work.kinds[n] == "succeeded"]
            bad = [n for n in order if work.kinds[n] != "succeeded"]
            for name, numbers in (("output", good), ("error", bad)):
                if numbers or (
                    name == "error" and plan.effects.error_file == "zero_bytes"
                ):
                    file = self._write(row, name, work.read(numbers), plan)
                    added.append(file)
                    changes[f"{name}_file_id"] = file.id
        with self._store.transaction():
            now = self._store.get(BatchRow, row.id)
            if now is None or now.cancel_at != row.cancel_at:
                return
            for name in ("output", "error"):
                self._store.remove(FileRow, _file_id(row, name))
            for file in added:
                self._store.add(file)
            self._store.update(BatchRow, row.id, **changes)
        work.delete()
        self._done.pop(row.id, None)

    def _write(
        self, row: BatchRow, name: str, lines: Iterable[bytes], plan: Plan
    ) -> FileRow:
        moment = look(replace(row, ready=True), plan, float("inf"))
        created = moment.ended_at or self._clock.now()
        file_id = _file_id(row, name)
        path = self._store.path(file_id)
        write_lines(path, lines, plan.effects.lines, plan.seed)
        return FileRow(
            id=file_id,
            account=row.account,
            purpose="batch_output",
            filename=f"{row.id}_{name}.jsonl",
            bytes=path.stat().st_size,
            created_at=created,
            expires_at=created + (row.output_seconds or _OUTPUT_SECONDS),
        )


def _is_over(expires_at: float | None, now: float) -> bool:
    return expires_at is not None and expires_at <= now


def _problem(code: str, message: str, param: str | None) -> dict[str, Any]:
    return {"code": code, "message": message, "param": param, "line": None}


def _fault(plan: Plan, number: int, custom_id: str) -> AnswerFault | None:
    for index, fault in enumerate(plan.effects.answers):
        if fault.picks(number, plan.seed, index, custom_id):
            return fault
    return None


def _leftover(provider: str, custom_id: str, why: str) -> Result:
    vendor = _openai_lines if provider == "openai" else _anthropic_lines
    return vendor.leftover_line(custom_id, why), why, (0, 0)


def _ordered(
    function: Callable[[_In], _Out], items: Iterable[_In], at_once: int
) -> Iterator[_Out]:
    """Map in order, with at most `at_once` calls under way."""
    if at_once == 1:
        yield from map(function, items)
        return
    with ThreadPoolExecutor(at_once) as pool:
        pending: deque[Future[_Out]] = deque()
        for item in items:
            pending.append(pool.submit(function, item))
            if len(pending) >= at_once:
                yield pending.popleft().result()
        while pending:
            yield pending.popleft().result()


def _file_id(row: BatchRow, name: str) -> str:
    return f"file-sandbox_{row.id.rpartition('_')[2]}_{name}"
