"""Produces the results of one batch: answers its requests, then publishes the lines."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import orjson

from ..answers.answer import AnswerSource
from ..faults import AnswerFault, Faults
from .results import WorkFile, write_lines
from .store import BatchRow, FileRow, Store
from .timeline import Plan, plan_of, requests_that_run

__all__ = [
    "Format",
    "Result",
    "answer_requests",
    "publish_in_batch",
    "publish_results",
    "read_lines",
]

_In = TypeVar("_In")
_Out = TypeVar("_Out")

Result = tuple[bytes, str, tuple[int, int]]
"""A result line, the request's outcome, and its input and output tokens.

Outcomes are `succeeded`, `errored`, `expired` and `cancelled`.
"""


@dataclass(frozen=True)
class Format:
    """Reads the requests of a batch and writes its results, in one vendor's form."""

    answer: Callable[
        [BatchRow, dict[str, Any], AnswerSource, AnswerFault | None, int], Result
    ]
    """Answers one request of a batch; the last argument is the seed."""
    unrun_line: Callable[[BatchRow, str, str], bytes]
    """Returns the line for a `custom_id` that did not run: `expired` or `cancelled`."""
    publish: Callable[[BatchRow, WorkFile, Store], tuple[dict[str, Any], list[FileRow]]]
    """Writes the result files; returns columns of the batch's row, and file rows."""
    check: Callable[[BatchRow, Store, Faults, float], dict[str, Any]] | None = None
    """Checks the input after creation, at the given time, and returns columns of the
    row; None: it was checked on creation, and the batch has no state before or after
    `in_progress`."""
    id_member: str = "custom_id"
    """Where request lines have their `custom_id`."""


def publish_in_batch(
    row: BatchRow, work: WorkFile, store: Store
) -> tuple[dict[str, Any], list[FileRow]]:
    """Write results that belong to the batch and are no file of the account."""
    plan = plan_of(row)
    order = work.order(plan.seed, shuffle=plan.effects.lines.shuffle)
    path = store.path(f"{row.id}.results")
    write_lines(path, work.read(order), plan.effects.lines, plan.seed)
    return {}, []


def read_lines(path: Path) -> Iterator[bytes]:
    """Yield the lines of a file without their newlines; nothing after the last one."""
    with path.open("rb") as file:
        for line in file:
            yield line.removesuffix(b"\n")


def answer_requests(
    row: BatchRow, work: WorkFile, store: Store, source: AnswerSource, form: Format
) -> Iterator[int]:
    """Append the missing results; after each, yield how many there are.

    Requests that do not run by the batch's plan get the line for that.
    """
    plan = plan_of(row)
    count, otherwise = requests_that_run(row, plan)

    def result(numbered: tuple[int, bytes]) -> Result:
        number, line = numbered
        request = orjson.loads(line)
        custom_id, outcome = request[form.id_member], otherwise
        if number <= count:
            fault = _fault(plan, number, custom_id)
            if fault is None or fault.kind not in {"expired", "cancelled"}:
                return form.answer(row, request, source, fault, plan.seed)
            outcome = fault.kind
        return form.unrun_line(row, custom_id, outcome), outcome, (0, 0)

    work.keep(count)
    first = len(work) + 1
    lines = enumerate(read_lines(store.path(row.input_file_id or row.id)), 1)
    todo = ((number, line) for number, line in lines if number >= first)
    for line, outcome, tokens in _ordered(result, todo, source.concurrency):
        work.add(outcome, tokens, line)
        yield len(work)


def _ordered(
    function: Callable[[_In], _Out], items: Iterable[_In], concurrency: int
) -> Iterator[_Out]:
    """Map in order, with a limited number of open calls."""
    if concurrency == 1:
        yield from map(function, items)
        return
    with ThreadPoolExecutor(concurrency) as pool:
        pending: deque[Future[_Out]] = deque()
        for item in items:
            pending.append(pool.submit(function, item))
            if len(pending) >= concurrency:
                yield pending.popleft().result()
        while pending:
            yield pending.popleft().result()


def _fault(plan: Plan, number: int, custom_id: str) -> AnswerFault | None:
    for index, fault in enumerate(plan.effects.answers):
        if fault.picks(number, plan.seed, index, custom_id):
            return fault
    return None


def publish_results(row: BatchRow, work: WorkFile, store: Store, form: Format) -> bool:
    """Write the result files and mark the batch as ready.

    Returns:
        False if the batch was cancelled meanwhile, so that other requests have run.
    """
    outcomes = ("succeeded", "errored", "expired", "cancelled")
    tokens = [work.input_tokens, work.output_tokens]
    changes: dict[str, Any] = {
        **{outcome: work.outcomes.count(outcome) for outcome in outcomes},
        "usage": orjson.dumps(tokens).decode(),
        "ready": True,
    }
    columns, files = form.publish(row, work, store)
    with store.transaction():
        found = store.get(BatchRow, row.id)
        if found is None or found.cancel_at != row.cancel_at:
            return False
        for file_id in (found.output_file_id, found.error_file_id):
            store.remove(FileRow, file_id or "")
        for file in files:
            store.add(file)
        store.update(BatchRow, row.id, **changes, **columns)
    return True
