"""Collects results while a batch runs, and writes result files with their faults."""

from __future__ import annotations

import os
import re
from array import array
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO

from ..answers.answer import seeded
from ..faults import LineFaults

__all__ = ["WorkFile", "write_lines"]

_CUSTOM_ID = re.compile(rb'("(?:custom_id|key|recordId)":)(?:"(?:[^"\\]|\\.)*"|null)')
_BLANK_EVERY = 3


class WorkFile:
    """The results of a running batch, in the order of its requests.

    Each line starts with the request's outcome and its tokens. After a crash, the
    complete lines are used again.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._open()

    def _open(self) -> None:
        self.outcomes: list[str] = []
        self.input_tokens = 0
        self.output_tokens = 0
        self._starts = array("Q")
        self._lengths = array("Q")
        self._end = 0
        self._file: IO[bytes] = self.path.open("a+b")
        self._file.seek(0)
        for line in self._file:
            if line.endswith(b"\n"):
                self._note(line)
        self._file.truncate(self._end)

    def __len__(self) -> int:
        return len(self.outcomes)

    def add(self, outcome: str, tokens: tuple[int, int], line: bytes) -> None:
        """Append one result."""
        whole = b"%s %d %d %s\n" % (outcome.encode(), *tokens, line)
        self._file.write(whole)
        self._note(whole)

    def _note(self, line: bytes) -> None:
        outcome, tokens_in, tokens_out, rest = line.split(b" ", 3)
        self.outcomes.append(outcome.decode())
        self.input_tokens += int(tokens_in)
        self.output_tokens += int(tokens_out)
        self._starts.append(self._end + len(line) - len(rest))
        self._lengths.append(len(rest) - 1)
        self._end += len(line)

    def keep(self, count: int) -> None:
        """Drop all results after the first `count`."""
        if count >= len(self):
            return
        end = self._starts[count - 1] + self._lengths[count - 1] + 1 if count else 0
        self._file.truncate(end)
        self._file.close()
        self._open()

    def read(self, numbers: Iterable[int]) -> Iterator[bytes]:
        """Yield the results with these 0-based numbers, without newlines."""
        self._file.flush()
        for number in numbers:
            yield os.pread(
                self._file.fileno(), self._lengths[number], self._starts[number]
            )

    def order(self, seed: int, *, shuffle: bool) -> list[int]:
        """Return all numbers in the order in which the provider returns results."""
        numbers = list(range(len(self)))
        if shuffle:
            seeded("order", seed, len(self)).shuffle(numbers)
        return numbers

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def delete(self) -> None:
        """Close and delete the file."""
        self._file.close()
        self.path.unlink(missing_ok=True)


def write_lines(
    path: Path, lines: Iterable[bytes], faults: LineFaults, seed: int
) -> None:
    """Write one result file, with the faults applied."""
    newline = b"\r\n" if faults.crlf else b"\n"
    with path.open("wb") as file:
        if faults.bom:
            file.write(b"\xef\xbb\xbf")
        separator = b""
        for number, line in enumerate(_with_faults(lines, faults, seed)):
            file.write(separator + line)
            separator = newline
            if faults.blank_lines and number % _BLANK_EVERY == _BLANK_EVERY - 1:
                separator = newline * 2
        if separator and faults.end != "none":
            file.write(newline * (2 if faults.end == "double" else 1))


def _with_faults(
    lines: Iterable[bytes], faults: LineFaults, seed: int
) -> Iterator[bytes]:
    for number, line in enumerate(lines, 1):
        if faults.missing and faults.missing.picks(number, seed, "missing"):
            continue
        sent = line
        if faults.foreign_id and faults.foreign_id.picks(number, seed, "foreign"):
            sent = _with_id(line, b'"foreign-%d"' % number)
        elif faults.null_id and faults.null_id.picks(number, seed, "null"):
            sent = _with_id(line, b"null")
        yield sent
        if faults.duplicate and faults.duplicate.picks(number, seed, "duplicate"):
            yield sent


def _with_id(line: bytes, custom_id: bytes) -> bytes:
    return _CUSTOM_ID.sub(lambda found: found[1] + custom_id, line, count=1)
