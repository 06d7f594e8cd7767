"""Checks a request file by the provider's rules before anything is sent."""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import orjson
from pydantic import BaseModel, ConfigDict

from ...errors import InputError, visible_line
from ...models import LineError
from ...providers import Format, Progress, get_vendor, wrong_vendor
from ...providers.base import WARNING, WRONG_PROVIDER
from ..rows.jsonl import BOM

__all__ = ["FileCheck", "check_file", "describe_problems"]

_KEPT = 10_000
_SHOWN = 20
_BUCKETS = 256
"""Parts that `custom_id`s are compared in; one part at a time is sorted in memory."""
_PROGRESS_LINES = 2048
_MAX_EMBEDDINGS = 50_000
"""Inputs of all requests together; https://platform.openai.com/docs/api-reference/batch
as of November 2026."""


class FileCheck(BaseModel):
    """What a request file holds, and its problems."""

    model_config = ConfigDict(frozen=True)

    requests: int
    bytes: int
    endpoint: str
    """That of the first request; empty for an empty file."""
    model: str | None
    """That of the first request that names one."""
    problems: tuple[LineError, ...] = ()
    """In the order of lines; the first 10,000."""
    problem_count: int = 0
    warnings: tuple[LineError, ...] = ()
    """What the provider may refuse, by line; the first 10,000."""


def check_file(path: Path, fmt: Format, progress: Progress | None = None) -> FileCheck:
    """Check every line, in memory of 8 bytes a request.

    Args:
        path: The request file.
        fmt: The format of the provider whose rules apply.
        progress: Called with the bytes checked.

    Raises:
        InputError: The file cannot be read.
    """
    try:
        return _Checker(path, fmt, progress).check()
    except OSError as exc:
        raise InputError(f"{path} cannot be read: {exc.strerror}.") from exc


def describe_problems(path: Path, check: FileCheck) -> str:
    """Return the first 20 problems with their lines.

    A file with requests for another provider gets one line.
    """
    wrong = [each for each in check.problems if each.code == WRONG_PROVIDER]
    if len(wrong) == len(check.problems) > 1:
        more = check.problem_count - 1
        return f"{path}, line {wrong[0].line} and {more:,} more: {wrong[0].message}"
    lines = [
        visible_line(f"  line {problem.line}{_named(problem)}: {problem.message}")
        if problem.line
        else f"  {problem.message}"
        for problem in check.problems[:_SHOWN]
    ]
    more = check.problem_count - len(lines)
    if more > 0:
        lines.append(f"  and {more:,} more")
    head = f"{path} has {check.problem_count:,} problem(s):"
    return "\n".join([head, *lines])


def _named(problem: LineError) -> str:
    return "" if problem.custom_id is None else f" ({problem.custom_id})"


class _Checker:
    def __init__(self, path: Path, fmt: Format, progress: Progress | None) -> None:
        self._progress = progress
        self._path = path
        self._format = fmt
        self._vendor = get_vendor(fmt.name)
        self._problems: list[LineError] = []
        self._warnings: list[LineError] = []
        self._count = 0
        self._requests = 0
        self._inputs = 0
        self._model: str | None = None
        self._endpoint = ""
        self._url = b""

    def check(self) -> FileCheck:
        size = self._path.stat().st_size
        hashes = [array("q") for _ in range(_BUCKETS)]
        done = 0
        for number, line in self._lines():
            self._requests += 1
            done += len(line)
            if self._progress is not None and number % _PROGRESS_LINES == 0:
                self._progress(done, size)
            if number == 1 and line.startswith(BOM):
                text = "It begins with a byte order mark; save it without."
                self._report(number, text, "invalid_json_line")
                line = line.removeprefix(BOM)  # noqa: PLW2901 - go on without it
            if not line.strip():
                self._report(
                    number, "This line is blank; remove it.", "invalid_json_line"
                )
                continue
            custom_id, model, problems = self._format.check(line)
            if problems and (wrong := wrong_vendor(line, self._vendor)):
                problems = [wrong]
            for problem in problems:
                where = {"line": number, "custom_id": custom_id}
                self._add(problem.model_copy(update=where))
            if custom_id is not None:
                value = hash(custom_id)
                hashes[value % _BUCKETS].append(value)
            if all(problem.code == WARNING for problem in problems):
                self._compare(number, line, model)
        self._check_size(size)
        repeated = {
            one
            for bucket in hashes
            for one, other in pairwise(sorted(bucket))
            if one == other
        }
        if repeated:
            self._name_duplicates(repeated)
            self._problems.sort(key=lambda problem: problem.line or 0)
        return FileCheck(
            requests=self._requests,
            bytes=size,
            endpoint=self._endpoint,
            model=self._model,
            problems=tuple(self._problems),
            problem_count=self._count,
            warnings=tuple(self._warnings),
        )

    def _lines(self) -> Iterator[tuple[int, bytes]]:
        """Yield numbered lines; one that is longer than a whole batch is split."""
        limit = self._format.limits.max_bytes + 2
        number = 0
        with self._path.open("rb", buffering=1 << 20) as file:
            while line := file.readline(limit):
                number += 1
                yield number, line

    def _compare(self, number: int, line: bytes, model: str | None) -> None:
        """Compare a good line's endpoint and model with those of the lines before."""
        if not self._endpoint:
            self._endpoint = self._format.endpoint(line)
            self._url = f'"url":"{self._endpoint}","body":'.encode()
        elif self._vendor.one_endpoint_per_batch and self._url not in line:
            endpoint = self._format.endpoint(line)
            if endpoint != self._endpoint:
                text = f"Its `url` is {endpoint}, but line 1 says {self._endpoint}."
                self._report(number, text, "invalid_url", "url")
                return
        if self._endpoint == "/v1/embeddings":
            self._inputs += _embeddings(line)
        if self._model is None:
            self._model = model
        elif model not in {None, self._model} and self._vendor.one_model_per_batch:
            text = f"Its model is {model!r}, but a batch has one: {self._model!r}."
            self._report(number, text, "mismatched_model", "body.model")

    def _check_size(self, size: int) -> None:
        limits = self._format.limits
        if not self._requests:
            self._report(None, "It holds no requests.", "empty_file")
        elif self._requests < limits.min_requests:
            text = f"It holds {self._requests:,} requests, but a batch holds at least"
            self._report(None, f"{text} {limits.min_requests:,}.", "too_few_tasks")
        if self._requests > limits.max_requests:
            text = f"It holds {self._requests:,} requests, but a batch holds"
            text += f" {limits.max_requests:,}; send it with --split."
            self._report(None, text, "too_many_tasks")
        if size > limits.max_bytes:
            text = f"It has {size:,} bytes, but a batch holds {limits.max_bytes:,};"
            self._report(None, text + " send it with --split.", "too_large")

        if self._inputs > _MAX_EMBEDDINGS:
            text = f"It holds {self._inputs:,} texts to embed, but a batch holds"
            text += f" {_MAX_EMBEDDINGS:,}; put fewer into a file."
            self._report(None, text, "too_many_inputs", "body.input")

    def _name_duplicates(self, repeated: set[int]) -> None:
        """Read the file again, and report equal IDs among those with equal hashes."""
        first: dict[str, int] = {}
        for number, line in self._lines():
            if not line.strip():
                continue
            custom_id = self._format.check(line.removeprefix(BOM))[0]
            if custom_id is None or hash(custom_id) not in repeated:
                continue
            before = first.setdefault(custom_id, number)
            if before != number:
                text = f"Its `custom_id` {custom_id!r} is that of line {before}."
                self._report(number, text, "duplicate_custom_id", "custom_id")

    def _report(
        self,
        line: int | None,
        message: str,
        code: str | None = None,
        param: str | None = None,
    ) -> None:
        self._add(LineError(message=message, code=code, param=param, line=line))

    def _add(self, problem: LineError) -> None:
        if problem.code == WARNING:
            self._warnings += [problem] if len(self._warnings) < _KEPT else []
            return
        self._count += 1
        if len(self._problems) < _KEPT:
            self._problems.append(problem)


def _embeddings(line: bytes) -> int:
    """Return how many texts a good request embeds; a list of tokens is one text."""
    given: Any = (orjson.loads(line).get("body") or {}).get("input")
    many = isinstance(given, list) and given and not isinstance(given[0], int)
    return len(given) if many else 1
