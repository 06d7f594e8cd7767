"""A further round: what is worth another try, in as few batches as possible."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import UTC, datetime

import orjson

from ..data.custom_id import id_in, parse_row_id, row_id, row_in
from ..data.requests.generate import batch_limits
from ..data.requests.writer import RequestFile, RequestWriter
from ..models import BatchResult, Outcome
from ..providers import Limits
from .collect.download import restored_results
from .collect.scan import is_again
from .directory.deadline import is_late
from .directory.records import RoundPlan, ShardPlan, Verdict
from .directory.run import Run
from .directory.shard import Shard
from .events import emit
from .response_model import answer_of

__all__ = [
    "lines_of",
    "plan_round",
    "renumbered",
    "rows_of_requests",
    "write_requests",
]

_WHOLE_FILE = {"model_not_found", "mismatched_model"}
"""Codes that mean every line of a refused file, whichever line they name."""


def plan_round(run: Run, number: int) -> None:
    """Write the request files of round `number`, and then its plan.

    The requests are the bytes that were sent before, with another round in their
    `custom_id`; re-asking appends messages. A plan without shards says that nothing is
    worth another try.
    """
    state = run.state()
    nonce = run.plan().nonce
    gone = state.gone_shards if state.resend_round == number else []
    others = [state.shards[each.path] for each in state.first_shards[1:]]
    is_canary = bool(others) and not any(shard.attempts.all for shard in others)
    later = state.rounds[state.since :]
    ordinary = len(later) + 1 - sum(round_.canary for round_ in later)
    reask = _Reask(run, state.job.job.reask, number)

    def requests() -> Iterator[bytes]:
        resend = ordinary <= state.job.job.max_rounds + is_late(run)
        for shard in state.newest_shards:
            yield from _requests(run, shard, number, reask, resend=resend)
        for shard in gone:
            for line in _unanswered(run, shard, reask):
                yield renumbered(line, nonce, number)

    limits = batch_limits(state.job.job, run.format)
    least = 1 if is_late(run) else limits.min_requests
    limits = replace(limits, min_requests=1)
    shards = write_requests(run, number, requests(), limits, least=least)
    if reask.times:
        data = orjson.dumps(reask.times, option=orjson.OPT_NON_STR_KEYS)
        run.directory.write(f"rounds/{number}/reasked.json", data)
    plan = RoundPlan(
        number=number,
        shards=shards,
        created_at=datetime.now(UTC),
        resent=tuple(shard.path for shard in gone),
        canary=is_canary,
    )
    data = plan.model_dump_json(indent=1).encode()
    run.directory.write(f"rounds/{number}/plan.json", data)
    if shards:
        emit("round", done=sum(each.requests for each in shards), text=str(number))


def write_requests(
    run: Run,
    number: int,
    requests: Iterable[bytes],
    limits: Limits,
    first: int = 0,
    least: int = 1,
) -> tuple[ShardPlan, ...]:
    """Write the request files of a round; its plan is not written here.

    The `first` requests are in a file of their own. A file with fewer than `least` is
    left out, which a message says.
    """
    shards = []
    with run.directory.scratch() as scratch:
        writer = RequestWriter(scratch, limits)
        for index, line in enumerate(requests):
            if index == first > 0:
                writer.roll()
            writer.add(line)
        for index, file in enumerate(_enough(writer.close(), least)):
            path = f"rounds/{number}/{index:05}"
            run.directory.adopt(file.path, f"{path}/requests.jsonl")
            shards.append(
                ShardPlan(
                    path=path,
                    requests=file.requests,
                    bytes=file.bytes,
                    digest=file.digest,
                )
            )
    return tuple(shards)


def _enough(files: Iterable[RequestFile], at_least: int) -> Iterator[RequestFile]:
    """Yield the files that a batch can be made of; say which rows stay as they are."""
    for file in files:
        if file.requests >= at_least:
            yield file
            continue
        text = f"{file.requests:,} rows are not sent again: a batch has at least"
        emit("notice", text=f"{text} {at_least:,} requests at this provider.")


class _Reask:
    """Asks again, with what was wrong, where the response model refuses an answer."""

    def __init__(self, run: Run, most: int, number: int) -> None:
        self._format = run.format
        self.most = most
        self._answer = answer_of(run) if most else None
        self._before = run.reasked(number - 1)
        self.times: dict[int, int] = {}
        """How often each row of this round was asked again, this time included."""

    def refuses(self, result: BatchResult) -> str | None:
        """Return what is wrong with an answer."""
        if self._answer is None:
            return None
        _, errors = self._answer.validate([result], self._format)
        return errors.get(0)

    def may_ask(self, row: int) -> bool:
        """Whether the row was not asked again too often."""
        return self._before.get(row, 0) < self.most

    def request(self, line: bytes, custom_id: str, row: int, refused: bytes) -> bytes:
        """Return the row's request with its refused answer and the error appended."""
        self.times[row] = self._before.get(row, 0) + 1
        result = self._format.decode(refused)
        text = result.text
        if text is None:
            text = orjson.dumps(result.data).decode()
        messages = [
            {"role": "assistant", "content": text},
            {
                "role": "user",
                "content": f"This answer is not valid: {self.refuses(result)}. Answer"
                " again in full, and correct it.",
            },
        ]
        return self._format.extend(line, custom_id, messages)


def _requests(
    run: Run, shard: Shard, number: int, reask: _Reask, *, resend: bool
) -> Iterator[bytes]:
    """Yield the requests of a shard that are sent again, in their order."""
    nonce = run.plan().nonce
    if shard.verdict is Verdict.FAILED and resend:
        for line in _lines_not_at_fault(run, shard):
            yield renumbered(line, nonce, number)
    ended = shard.last.ended if shard.last else None
    if ended is None or not ended.verdict.has_results:
        return
    resend = resend and bool(ended.again)
    if not (resend or reask.most):
        return
    results_of = restored_results(run, shard, shard.output_name)
    with results_of as path, path.open("rb") as results:
        over, failed, refused = _read_results(
            run, results, nonce, reask, is_cut=ended.cut
        )
        is_all = ended.verdict is Verdict.DOWNLOADED
        for line in lines_of(run, shard.plan):
            row = row_in(line, nonce)
            if row in refused:
                # Only its offset was kept: 16 bytes a row, however long the answer.
                results.seek(refused[row])
                custom_id = row_id(nonce, row, number)
                yield reask.request(line, custom_id, row, results.readline())
            elif resend and row not in over and (is_all or row in failed):
                yield renumbered(line, nonce, number)


def _read_results(
    run: Run,
    results: Iterable[bytes],
    nonce: str,
    reask: _Reask,
    *,
    is_cut: bool = False,
) -> tuple[set[int], set[int], dict[int, int]]:
    """Return rows that are over, rows that failed for now, offsets of refused answers.

    A row that failed for good, or succeeded, in any of its lines is over. If the
    deadline cut the batch off, its cancelled rows failed for now.
    """
    over: set[int] = set()
    failed: set[int] = set()
    valid: set[int] = set()
    refused: dict[int, int] = {}
    offset = 0
    for line in results:
        start, offset = offset, offset + len(line)
        result = run.format.decode(line)
        found = parse_row_id(result.custom_id, nonce)
        if found is None:
            continue
        row = found[0]
        if result.outcome is Outcome.SUCCEEDED:
            over.add(row)
            if reask.refuses(result) is None:
                valid.add(row)
            elif reask.may_ask(row):
                refused[row] = start
        else:
            (failed if is_again(result, is_cut=is_cut) else over).add(row)
    return over, failed, {row: at for row, at in refused.items() if row not in valid}


def _unanswered(run: Run, shard: Shard, reask: _Reask) -> Iterator[bytes]:
    """Yield the requests of a shard whose results are gone, all or some of them."""
    over: set[int] = set()
    nonce = run.plan().nonce
    if shard.verdict is Verdict.PARTLY_GONE:
        results_of = restored_results(run, shard, shard.output_name)
        with results_of as path, path.open("rb") as results:
            over, _, _ = _read_results(run, results, nonce, reask)
    for line in lines_of(run, shard.plan):
        if row_in(line, nonce) not in over:
            yield line


def _lines_not_at_fault(run: Run, shard: Shard) -> Iterator[bytes]:
    """Yield the requests of a refused file that the refusal does not name."""
    batch = shard.last.ended.batch if shard.last and shard.last.ended else None
    errors = batch.errors if batch else ()
    named = {error.line for error in errors if error.line}
    if named and not any(error.code in _WHOLE_FILE for error in errors):
        for number, line in enumerate(lines_of(run, shard.plan), start=1):
            if number not in named:
                yield line


def renumbered(line: bytes, nonce: str, number: int) -> bytes:
    """Return the same request for another round."""
    old = id_in(line, nonce)
    return line.replace(old, row_id(nonce, row_in(line, nonce), number).encode(), 1)


def lines_of(run: Run, shard: ShardPlan) -> Iterator[bytes]:
    """Yield the requests of a shard as they were made."""
    name = f"{shard.path}/requests.jsonl"
    with run.as_made(name, shard.digest) as path, path.open("rb") as lines:
        yield from lines


def rows_of_requests(run: Run, shard: ShardPlan) -> Iterator[int]:
    """Yield the row of each request of a shard, in the order of the file."""
    nonce = run.plan().nonce
    return (row_in(line, nonce) for line in lines_of(run, shard))
