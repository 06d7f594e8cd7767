"""Answers that the response model refuses, sent back with what is wrong."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO

import orjson

from ..data.answers.response_model import Answer
from ..data.custom_id import parse_row_id
from ..models import BatchResult, Outcome
from .directory.records import Verdict
from .directory.run import Run, Unit

__all__ = ["Reask"]


class Reask:
    """The rows of one unit that are asked again, and how.

    Holds where their answers stand, not the answers: 16 bytes a row.
    """

    def __init__(self, run: Run, answer: Answer | None, lines: BinaryIO | None) -> None:
        self._format = run.format
        self._answer = answer
        self._lines = lines
        self._offsets: dict[int, int] = {}
        self.times: dict[int, int] = {}
        """How often each of the rows was asked again, this time included."""

    @classmethod
    @contextmanager
    def of(cls, run: Run, unit: Unit, number: int) -> Iterator[Reask]:
        """Find the invalid answers of a unit that landed; none without `reask`."""
        last = unit.last
        most = run.job.job.reask
        if (
            not most
            or last is None
            or last.ended is None
            or last.ended.verdict is not Verdict.LANDED
        ):
            yield cls(run, None, None)
            return
        before = _times_before(run, number)
        name = f"{unit.path}/attempts/{last.number:03}.output.jsonl"
        with run.directory.local(name) as path, path.open("rb") as lines:
            reask = cls(run, run.job.answer(), lines)
            reask._scan(run.plan().nonce, most, before)
            yield reask

    @property
    def rows(self) -> dict[int, int]:
        """The rows, as the keys."""
        return self._offsets

    def extend(self, line: bytes, custom_id: str, row: int) -> bytes:
        """Return the row's request with its bad answer and the error appended."""
        if self._lines is None:
            raise AssertionError("rows come from lines")
        self._lines.seek(self._offsets[row])
        result = self._format.decode(self._lines.readline())
        error = self._validate(result)
        said = result.text
        if said is None:
            said = orjson.dumps(result.data).decode()
        messages = [
            {"role": "assistant", "content": said},
            {
                "role": "user",
                "content": f"This answer is not valid: {error}. Answer again in full,"
                " and correct it.",
            },
        ]
        return self._format.extend(line, custom_id, messages)

    def _scan(self, nonce: str, most: int, before: dict[int, int]) -> None:
        good: set[int] = set()
        offset = 0
        for line in self._lines or ():
            start, offset = offset, offset + len(line)
            result = self._format.decode(line)
            found = parse_row_id(result.custom_id, nonce)
            if found is None or result.outcome is not Outcome.SUCCEEDED:
                continue
            row = found[0]
            if self._validate(result) is None:
                good.add(row)
            elif before.get(row, 0) < most:
                self._offsets[row] = start
        for row in good & self._offsets.keys():
            del self._offsets[row]
        self.times = {row: before.get(row, 0) + 1 for row in self._offsets}

    def _validate(self, result: BatchResult) -> str | None:
        """Return what is wrong with an answer."""
        if self._answer is None:
            return None
        _, errors = self._answer.validate([result], self._format)
        return errors.get(0)


def _times_before(run: Run, number: int) -> dict[int, int]:
    """Return how often rows were asked again in the round before."""
    data = run.directory.read(f"rounds/{number - 1}/reasked.json")
    return {int(row): times for row, times in orjson.loads(data or b"{}").items()}
