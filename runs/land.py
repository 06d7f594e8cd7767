"""Bring home all that an ended batch holds, and write down that it is home."""

from __future__ import annotations

from collections import defaultdict
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

from ..data.custom_id import parse_row_id
from ..errors import ResultsGoneError, UnknownBatchError
from ..models import Batch, BatchStatus, Outcome
from ..providers import Format, Provider
from .attempts import Attempt
from .events import emit
from .neighbours import parent, recorded_under
from .pause import patiently
from .reconcile import discard
from .records import Ended, Plan, Verdict
from .state import Run, Unit

__all__ = ["land_unit"]

_NO_CAPACITY = "token_limit_exceeded"


def land_unit(run: Run, path: str, provider: Provider) -> Ended | None:
    """Download the results of the unit's batch, deal them out, close the attempt.

    Safe to repeat at any point: every file is replaced by the same one.

    Returns:
        How the attempt ended; None when the batch still runs.
    """
    unit = run.unit(path)
    attempt = unit.last
    if attempt is None or attempt.batch is None or attempt.ended is not None:
        return attempt.ended if attempt else None
    batch_id = attempt.batch.id
    try:
        batch = patiently(lambda: provider.retrieve(batch_id), "Looking at a batch")
    except UnknownBatchError as exc:
        return _gone(unit, attempt, attempt.batch, str(exc))
    if batch.status is BatchStatus.FAILED:
        return _refused(run, unit, attempt, batch)
    if not batch.status.is_final:
        return None
    name = f"{path}/attempts/{attempt.number:03}.output.jsonl"
    with run.directory.scratch() as scratch:
        output = scratch / "output.jsonl"
        try:
            lines = patiently(
                lambda: provider.download(
                    batch,
                    output,
                    lambda done, total: emit(
                        "downloading", unit=path, done=done, total=total
                    ),
                ),
                f"The download of {batch_id}",
            )
        except ResultsGoneError as exc:
            return _gone(unit, attempt, batch, str(exc))
        plan = run.plan()
        verdict, again, dealt = _read(output, provider, plan, unit, scratch)
        if verdict is Verdict.FOREIGN:
            text = f"The results of {batch_id} answer other requests than ours."
            known = recorded_under(parent(run.directory))
            discard(unit.attempts, provider, known, text)
            return attempt.ended
        for shard, file in dealt.items():
            folder = f"{plan.shards[shard].path}/results"
            stem = path.replace("/", "-")
            run.directory.adopt(file, f"{folder}/{stem}-{attempt.number:03}.jsonl")
        run.directory.adopt(output, name)
    ended = Ended(
        verdict=Verdict.LANDED,
        batch=batch,
        at=datetime.now(UTC),
        lines=lines,
        again=again,
    )
    unit.attempts.close(attempt, ended)
    emit("landed", unit=path, batch_id=batch_id, done=lines, text=batch.provider_status)
    return ended


def _read(
    output: Path, fmt: Format, plan: Plan, unit: Unit, scratch: Path
) -> tuple[Verdict, int, dict[int, Path]]:
    """Prove the results ours, count those worth another try, deal out a round's."""
    ours = False
    lines = 0
    unsettled = 0
    succeeded: set[int] = set()
    retryable: set[int] = set()
    deal = unit.path.startswith("rounds/")
    dealt: dict[int, Path] = {}
    with ExitStack() as stack, output.open("rb") as file:
        targets: dict[int, BinaryIO] = {}
        for line in file:
            lines += 1
            result = fmt.decode(line)
            row = parse_row_id(result.custom_id, plan.nonce)
            if row is None:
                continue
            ours = True
            number = row[0]
            if result.outcome is Outcome.SUCCEEDED:
                succeeded.add(number)
            elif result.retryable:
                retryable.add(number)
            else:
                unsettled += 1
            if deal and number < plan.rows:
                shard = plan.shards.index(plan.shard_of(number))
                if shard not in targets:
                    dealt[shard] = scratch / f"dealt-{shard:05}"
                    targets[shard] = stack.enter_context(dealt[shard].open("wb"))
                targets[shard].write(line)
    if lines and not ours:
        return Verdict.FOREIGN, 0, {}
    missing = max(0, unit.plan.requests - len(succeeded) - len(retryable) - unsettled)
    return Verdict.LANDED, len(retryable - succeeded) + missing, dealt


def _refused(run: Run, unit: Unit, attempt: Attempt, batch: Batch) -> Ended:
    """Close an attempt of which nothing ran: for lack of capacity, or for good."""
    parked = any(error.code == _NO_CAPACITY for error in batch.errors)
    text = "; ".join(error.message for error in batch.errors[:3]) or "no reason given"
    ended = Ended(
        verdict=Verdict.PARKED if parked else Verdict.FAILED,
        batch=batch,
        at=datetime.now(UTC),
        in_flight=len(run.state().open_units) - 1,
        text=text,
    )
    unit.attempts.close(attempt, ended)
    kind = "parked" if parked else "ended"
    emit(kind, unit=unit.path, batch_id=batch.id, text=text)
    return ended


def _gone(unit: Unit, attempt: Attempt, batch: Batch, text: str) -> Ended:
    ended = Ended(verdict=Verdict.GONE, batch=batch, at=datetime.now(UTC), text=text)
    unit.attempts.close(attempt, ended)
    emit("notice", unit=unit.path, batch_id=batch.id, text=text)
    return ended
