"""A further round: what is worth another try, in as few batches as possible."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from ..data.custom_id import parse_row_id, row_id
from ..models import Outcome
from ..providers import Format, Limits
from .events import emit
from .records import Plan, RoundPlan, UnitPlan, Verdict
from .state import Run, Unit

__all__ = ["plan_round"]

_WHOLE_FILE = {"model_not_found", "mismatched_model"}
"""Codes that mean every line of a refused file, whichever line they name."""


def plan_round(run: Run, number: int) -> RoundPlan:
    """Write the request files of round `number`, and then its plan.

    The requests are the bytes that were sent before, with the round changed in
    their `custom_id`. A plan without units says that nothing is worth it.
    """
    state = run.state()
    plan = run.plan()
    before = state.rounds[-1].units if state.rounds else plan.shards
    units: list[UnitPlan] = []
    with run.directory.scratch() as scratch:
        writer = _Writer(scratch, run.limits, number)
        for sent in before:
            unit = state.units[sent.path]
            rows = _worth_another_try(run, unit, plan, run.format)
            if rows:
                for line in _requests(run, unit, rows, plan.nonce, number):
                    writer.add(line)
        for unit_plan, path in writer.close():
            run.directory.adopt(path, f"{unit_plan.path}/requests.jsonl")
            units.append(unit_plan)
    record = RoundPlan(number=number, units=tuple(units), created_at=datetime.now(UTC))
    data = record.model_dump_json(indent=1).encode()
    run.directory.write(f"rounds/{number}/plan.json", data)
    if units:
        emit("round", done=sum(unit.requests for unit in units), text=str(number))
    return record


def _worth_another_try(run: Run, unit: Unit, plan: Plan, fmt: Format) -> set[int]:
    """Return the rows of the unit that did not succeed and still may."""
    ended = unit.last.ended if unit.last else None
    if ended is None or unit.last is None:
        return set()
    if ended.verdict is Verdict.FAILED:
        return _unnamed_rows(run, unit, plan.nonce)
    if ended.verdict is not Verdict.LANDED or not ended.again:
        return set()
    rows = set(_rows(run, unit, plan.nonce))
    hopeless: set[int] = set()
    name = f"{unit.path}/attempts/{unit.last.number:03}.output.jsonl"
    with run.directory.local(name) as path, path.open("rb") as lines:
        for line in lines:
            result = fmt.decode(line)
            row = parse_row_id(result.custom_id, plan.nonce)
            if row is None:
                continue
            if result.outcome is Outcome.SUCCEEDED:
                rows.discard(row[0])
            elif not result.retryable:
                hopeless.add(row[0])
    return rows - hopeless


def _unnamed_rows(run: Run, unit: Unit, nonce: str) -> set[int]:
    """Return the rows of a refused file whose own lines were not at fault."""
    batch = unit.last.ended.batch if unit.last and unit.last.ended else None
    errors = batch.errors if batch else ()
    named = {error.line for error in errors if error.line}
    if not named or any(error.code in _WHOLE_FILE for error in errors):
        return set()
    rows = _rows(run, unit, nonce)
    return {row for line, row in enumerate(rows, start=1) if line not in named}


def _rows(run: Run, unit: Unit, nonce: str) -> Iterator[int]:
    with (
        run.directory.local(f"{unit.path}/requests.jsonl") as path,
        path.open("rb") as lines,
    ):
        for line in lines:
            yield _row_of(line, nonce)


def _requests(
    run: Run, unit: Unit, rows: set[int], nonce: str, number: int
) -> Iterator[bytes]:
    with (
        run.directory.local(f"{unit.path}/requests.jsonl") as path,
        path.open("rb") as lines,
    ):
        for line in lines:
            row = _row_of(line, nonce)
            if row in rows:
                old = line[_ID_START : line.index(b'"', _ID_START)]
                yield line.replace(old, row_id(nonce, row, number).encode(), 1)


_ID_START = len(b'{"custom_id":"')
"""Every encoder writes the `custom_id` first, compactly."""


def _row_of(line: bytes, nonce: str) -> int:
    custom_id = line[_ID_START : line.index(b'"', _ID_START)].decode()
    row = parse_row_id(custom_id, nonce)
    if row is None:
        raise AssertionError(f"a request of another run: {custom_id}")
    return row[0]


class _Writer:
    """Rolls request files at the provider's limits, with their digests."""

    def __init__(self, folder: Path, limits: Limits, number: int) -> None:
        self._folder = folder
        self._limits = limits
        self._number = number
        self._done: list[tuple[UnitPlan, Path]] = []
        self._requests = 0
        self._bytes = 0

    def add(self, line: bytes) -> None:
        full = self._requests == self._limits.max_requests
        if self._requests and (
            full or self._bytes + len(line) > self._limits.max_bytes
        ):
            self._roll()
        if not self._requests:
            self._path = self._folder / f"round-{len(self._done):05}"
            self._file = self._path.open("wb")
            self._digest = hashlib.sha256()
            self._bytes = 0
        self._file.write(line)
        self._digest.update(line)
        self._bytes += len(line)
        self._requests += 1

    def close(self) -> list[tuple[UnitPlan, Path]]:
        if self._requests:
            self._roll()
        return self._done

    def _roll(self) -> None:
        self._file.close()
        plan = UnitPlan(
            path=f"rounds/{self._number}/{len(self._done):05}",
            requests=self._requests,
            bytes=self._bytes,
            digest=self._digest.hexdigest(),
        )
        self._done.append((plan, self._path))
        self._requests = 0
