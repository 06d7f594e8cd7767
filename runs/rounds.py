"""A further round: what is worth another try, in as few batches as possible."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import orjson

from ..data.custom_id import parse_row_id, row_id
from ..data.requests.writer import RequestWriter
from ..models import Outcome
from .directory.records import RoundPlan, UnitPlan, Verdict
from .directory.run import Run, Unit
from .events import emit
from .reask import Reask

__all__ = ["plan_round"]

_WHOLE_FILE = {"model_not_found", "mismatched_model"}
"""Codes that mean every line of a refused file, whichever line they name."""

_ID_START = len(b'{"custom_id":"')
"""Every encoder writes the `custom_id` first, compactly."""


def plan_round(run: Run, number: int) -> RoundPlan:
    """Write the request files of round `number`, and then its plan.

    The requests are the bytes that were sent before, with the round changed in
    their `custom_id`; re-asking appends messages. A plan without units says that
    nothing is worth it.
    """
    state = run.state()
    before = state.rounds[-1].units if state.rounds else run.plan().shards
    gone = state.gone_units if state.resend_round == number else []
    units: list[UnitPlan] = []
    times: dict[int, int] = {}
    with run.directory.scratch() as scratch:
        writer = RequestWriter(scratch, run.limits)
        for sent in before:
            for line in _requests(run, state.units[sent.path], number, times):
                writer.add(line)
        for unit in gone:
            for line in _lines(run, unit):
                writer.add(_renumbered(line, run.plan().nonce, number))
        for index, file in enumerate(writer.close()):
            path = f"rounds/{number}/{index:05}"
            run.directory.adopt(file.path, f"{path}/requests.jsonl")
            units.append(
                UnitPlan(
                    path=path,
                    requests=file.requests,
                    bytes=file.bytes,
                    digest=file.digest,
                )
            )
    record = RoundPlan(
        number=number,
        units=tuple(units),
        created_at=datetime.now(UTC),
        resent=tuple(unit.path for unit in gone),
    )
    if times:
        data = orjson.dumps(times, option=orjson.OPT_NON_STR_KEYS)
        run.directory.write(f"rounds/{number}/reasked.json", data)
    data = record.model_dump_json(indent=1).encode()
    run.directory.write(f"rounds/{number}/plan.json", data)
    if units:
        emit("round", done=sum(unit.requests for unit in units), text=str(number))
    return record


def _requests(
    run: Run, unit: Unit, number: int, times: dict[int, int]
) -> Iterator[bytes]:
    """Yield the unit's requests that are sent again; count the re-asked rows."""
    again = _worth_another_try(run, unit) if number <= run.job.job.max_rounds else set()
    nonce = run.plan().nonce
    with Reask.of(run, unit, number) as reask:
        if not again and not reask.rows:
            return
        times.update(reask.times)
        for line in _lines(run, unit):
            row = _row_of(line, nonce)
            if row in reask.rows:
                yield reask.extend(line, row_id(nonce, row, number), row)
            elif row in again:
                yield _renumbered(line, nonce, number)


def _renumbered(line: bytes, nonce: str, number: int) -> bytes:
    """Return the same request for another round."""
    old = line[_ID_START : line.index(b'"', _ID_START)]
    return line.replace(old, row_id(nonce, _row_of(line, nonce), number).encode(), 1)


def _worth_another_try(run: Run, unit: Unit) -> set[int]:
    """Return the rows of the unit that did not succeed and still may."""
    last = unit.last
    ended = last.ended if last else None
    if last is None or ended is None:
        return set()
    nonce = run.plan().nonce
    if ended.verdict is Verdict.FAILED:
        return _unnamed_rows(run, unit, nonce)
    if ended.verdict is not Verdict.LANDED or not ended.again:
        return set()
    rows = {_row_of(line, nonce) for line in _lines(run, unit)}
    name = f"{unit.path}/attempts/{last.number:03}.output.jsonl"
    with run.directory.local(name) as path, path.open("rb") as lines:
        for line in lines:
            result = run.format.decode(line)
            found = parse_row_id(result.custom_id, nonce)
            # What failed for good stays failed, also beside a line that may pass.
            if found is not None and not (
                result.retryable and result.outcome is not Outcome.SUCCEEDED
            ):
                rows.discard(found[0])
    return rows


def _unnamed_rows(run: Run, unit: Unit, nonce: str) -> set[int]:
    """Return the rows of a refused file whose own lines were not at fault."""
    batch = unit.last.ended.batch if unit.last and unit.last.ended else None
    errors = batch.errors if batch else ()
    named = {error.line for error in errors if error.line}
    if not named or any(error.code in _WHOLE_FILE for error in errors):
        return set()
    return {
        _row_of(line, nonce)
        for number, line in enumerate(_lines(run, unit), start=1)
        if number not in named
    }


def _lines(run: Run, unit: Unit) -> Iterator[bytes]:
    name = f"{unit.path}/requests.jsonl"
    with run.directory.local(name) as path, path.open("rb") as lines:
        yield from lines


def _row_of(line: bytes, nonce: str) -> int:
    custom_id = line[_ID_START : line.index(b'"', _ID_START)].decode()
    row = parse_row_id(custom_id, nonce)
    if row is None:
        raise AssertionError(f"a request of another run: {custom_id}")
    return row[0]
