"""Makes the results of one batch: answers its requests, then writes its files."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from typing import Any, TypeVar

import orjson

from ..answers.answers import Ask
from ..anthropic import lines as _anthropic_lines
from ..faults import AnswerFault
from ..openai import lines as _openai_lines
from ..openai.check import read_lines
from .clock import Clock
from .results import WorkFile, write_lines
from .rows import BatchRow, FileRow
from .store import Store
from .timeline import Plan, look, plan_of, runs_of

__all__ = ["answer_requests", "write_results"]

_OUTPUT_SECONDS = 30 * 86_400

_In = TypeVar("_In")
_Out = TypeVar("_Out")
_Result = tuple[bytes, str, tuple[int, int]]
"""A line, what became of its request, and its tokens in and out."""


def answer_requests(
    row: BatchRow, work: WorkFile, store: Store, ask: Ask, clock: Clock
) -> Iterator[int]:
    """Append the results that are still missing; yield after each how many there are.

    Requests that the batch's plan leaves out get the line that says so.
    """
    plan = plan_of(row)
    runs, why = runs_of(row, plan)
    openai = row.provider == "openai"
    source = store.path((row.input_file_id or "") if openai else row.id)
    now = clock.now()

    def result(numbered: tuple[int, bytes]) -> _Result:
        number, line = numbered
        request = orjson.loads(line)
        if number > runs:
            return _leftover(row.provider, request["custom_id"], why)
        fault = _fault(plan, number, request["custom_id"])
        if openai:
            endpoint = row.endpoint or ""
            return _openai_lines.answer_line(
                request, endpoint, plan.seed, ask.say, fault, now
            )
        return _anthropic_lines.answer_line(request, plan.seed, ask.say, fault)

    work.keep(runs)
    begun = len(work)
    todo = (
        (number, line)
        for number, line in enumerate(read_lines(source), 1)
        if number > begun
    )
    for line, kind, tokens in _ordered(result, todo, ask.at_once):
        work.add(kind, tokens, line)
        yield len(work)


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


def _fault(plan: Plan, number: int, custom_id: str) -> AnswerFault | None:
    for index, fault in enumerate(plan.effects.answers):
        if fault.picks(number, plan.seed, index, custom_id):
            return fault
    return None


def _leftover(provider: str, custom_id: str, why: str) -> _Result:
    vendor = _openai_lines if provider == "openai" else _anthropic_lines
    return vendor.leftover_line(custom_id, why), why, (0, 0)


def write_results(row: BatchRow, work: WorkFile, store: Store) -> bool:
    """Turn the results into the provider's files, and the batch into a ready one.

    Returns:
        False where the batch was cancelled meanwhile: its results must be cut anew.
    """
    plan = plan_of(row)
    order = work.order(plan.seed, shuffle=plan.effects.lines.shuffle)
    kinds = ("succeeded", "errored", "expired", "cancelled")
    changes: dict[str, Any] = {kind: work.kinds.count(kind) for kind in kinds}
    tokens = [work.input_tokens, work.output_tokens]
    changes |= {"ready": True, "usage": orjson.dumps(tokens).decode()}
    added: list[FileRow] = []
    if row.provider == "anthropic":
        path = store.path(f"{row.id}.results")
        write_lines(path, work.read(order), plan.effects.lines, plan.seed)
    else:
        split = {
            "output": [n for n in order if work.kinds[n] == "succeeded"],
            "error": [n for n in order if work.kinds[n] != "succeeded"],
        }
        empty = plan.effects.error_file == "zero_bytes"
        for name, numbers in split.items():
            changes[f"{name}_file_id"] = None
            if numbers or (name == "error" and empty):
                file = _write_file(row, name, work.read(numbers), store)
                changes[f"{name}_file_id"] = file.id
                added.append(file)
    with store.transaction():
        found = store.get(BatchRow, row.id)
        if found is None or found.cancel_at != row.cancel_at:
            return False
        for name in ("output", "error"):
            store.remove(FileRow, _file_id(row, name))
        for file in added:
            store.add(file)
        store.update(BatchRow, row.id, **changes)
    return True


def _write_file(
    row: BatchRow, name: str, lines: Iterable[bytes], store: Store
) -> FileRow:
    """Write one file; it is there from the moment at which the batch ends."""
    plan = plan_of(row)
    ended_at = look(replace(row, ready=True), plan, float("inf")).ended_at
    created = ended_at or row.created_at
    file_id = _file_id(row, name)
    path = store.path(file_id)
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


def _file_id(row: BatchRow, name: str) -> str:
    return f"file-sandbox_{row.id.rpartition('_')[2]}_{name}"
