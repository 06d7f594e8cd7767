"""Finds the answers of other runs to the requests of a new one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from ...data.files import size_and_digest
from ...data.results.block import Reading
from ...data.reuse.index import results_digest
from ...data.reuse.wanted import Wanted
from ...errors import BatchwrightError
from ...models import Outcome
from .sources import Source

__all__ = ["Taken", "take_answers"]

_LINES = 500


@dataclass(frozen=True, slots=True)
class Taken:
    """An answer of another run."""

    row: int
    """The first row of the new run that it is for."""
    line: bytes
    custom_id: str
    """Of the other run, in the line."""
    cost: int | None
    """What it cost, in 1e-12 USD; None: unknown."""

    def renamed(self, custom_id: str) -> bytes:
        """Return the line with another `custom_id`, and a newline."""
        line = self.line.rstrip(b"\r\n")
        return line.replace(_quoted(self.custom_id), _quoted(custom_id), 1) + b"\n"


def take_answers(
    wanted: Wanted, sources: Iterable[Source], reading: Reading
) -> Iterator[Taken]:
    """Yield an answer for each request that has a valid one, and mark it as answered.

    An answer is valid if it succeeded and fits what `reading` validates against. Runs
    may be deleted meanwhile: what cannot be read is passed over.
    """
    for source in sources:
        if not len(wanted):
            return
        with suppress(BatchwrightError, OSError, pa.ArrowInvalid):
            with source.opened() as index:
                answers, rows = wanted.matches(index)
            if len(rows):
                yield from _read(wanted, source, answers, rows, reading)


def _read(
    wanted: Wanted,
    source: Source,
    answers: pa.RecordBatch,
    rows: pa.Array[Any],
    reading: Reading,
) -> Iterator[Taken]:
    """Yield the valid ones among answers of one file."""
    columns = (answers["offset"], rows)
    places = sorted(zip(*(each.to_pylist() for each in columns), strict=True))
    with source.directory.local(source.results) as path, path.open("rb") as file:
        if size_and_digest(str(path))[1] != results_digest(answers):
            return
        for start in range(0, len(places), _LINES):
            lines, results, for_rows = [], [], []
            for offset, for_row in places[start : start + _LINES]:
                if wanted.answered[for_row]:
                    continue
                file.seek(offset)
                line = file.readline()
                result = reading.fmt.decode(line)
                if _quoted(result.custom_id or "") in line:
                    lines.append(line)
                    results.append(result)
                    for_rows.append(for_row)
            block = reading.read(results, None)
            for index, row in enumerate(for_rows):
                is_valid = block.outcomes[index] is Outcome.SUCCEEDED
                if is_valid and not wanted.answered[row]:
                    wanted.answer(row)
                    custom_id = block.custom_ids[index]
                    yield Taken(row, lines[index], custom_id, block.costs[index])


def _quoted(custom_id: str) -> bytes:
    return f'"{custom_id}"'.encode()
