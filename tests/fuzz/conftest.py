"""A process that runs commands, and is watched: it may hang, swell or die of them."""

from __future__ import annotations

import json
import os
import re
import select
import subprocess
import sys
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

_WALL_SECONDS = 60
"""Longest wait for an answer; the process ends itself after 5 s of processor time."""
_GROWTH_MB = 300
_SENTENCE = 2_000
"""Characters of an error; a file's name and a value are part of it."""


class Ended(NamedTuple):
    """How a command ended."""

    code: int
    out: str
    err: str
    peak_mb: int


class BrokenError(BaseException):
    """A command hung or swelled; no `Exception`, so that nothing repeats it."""


class Watched:
    """Runs commands one after the other in a process with limits."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        """Where the commands run."""
        self._process: subprocess.Popen[str] | None = None
        self._start_mb = 0

    def __call__(
        self,
        *arguments: str,
        environment: dict[str, str] | None = None,
        codes: Collection[int] = (0, 1, 2, 3),
    ) -> None:
        """Run a command, and check what holds for each.

        It ends in time and with a documented exit code, it grows by less than 300 MB,
        and where it fails, it says so in one sentence.
        """
        if self._process is None:
            self._start()
        ended = self._ask(arguments, environment or {})
        grown = ended.peak_mb - self._start_mb
        if grown > _GROWTH_MB:
            self.close()
            raise BrokenError(f"{arguments} made the process grow by {grown} MB")
        said = ended.err
        assert "Traceback" not in said, said
        assert "looks like a bug" not in said, said
        assert ended.code in codes, (ended.code, said)
        if ended.code == 1 and not ended.out:
            # A name in it may hold a newline of its own.
            assert re.findall(r"^Error: ", said, re.MULTILINE) == ["Error: "], said
            assert len(said) < _SENTENCE, said

    def write(self, name: str, data: bytes) -> str:
        """Write a file into the folder of the commands; returns its name."""
        (self.folder / name).write_bytes(data)
        return name

    def close(self) -> None:
        """End the process."""
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
            self._process = None

    def _ask(self, arguments: tuple[str, ...], environment: dict[str, str]) -> Ended:
        process = self._process
        assert process is not None
        assert process.stdin is not None
        assert process.stdout is not None
        # No argument and no variable of a process can hold a NUL.
        given = [each.replace("\0", "") for each in arguments]
        variables = {key: each.replace("\0", "") for key, each in environment.items()}
        process.stdin.write(json.dumps([given, variables]) + "\n")
        process.stdin.flush()
        ready, _, _ = select.select([process.stdout], [], [], _WALL_SECONDS)
        if not ready or not (line := process.stdout.readline()):
            self.close()
            raise BrokenError(f"{arguments} took too long, or ended the process")
        return Ended(*json.loads(line))

    def _start(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-W", "ignore", Path(__file__).with_name("child.py")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=self.folder,
            env={**os.environ, "COLUMNS": "200", "NO_COLOR": "1"},
        )
        # What the commands import counts for none of them.
        self.write("rows.csv", b"a,b,n\nx,y z,7\n")
        self.write("rows.jsonl", b'{"a": "x", "b": [1, {"c": null}], "n": 7.5}\n')
        for suffix in ("csv", "parquet"):
            given = ("--model", "gpt-5-mini", "--prompt", "{{ a|upper }}")
            to = ("--output", f"warm.{suffix}", "--dry-run")
            ended = self._ask(("run", "rows.csv", *given, *to), {})
            assert ended.code == 0, ended
            self._start_mb = ended.peak_mb


@pytest.fixture(scope="session")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    """Runs commands in a process that the worker's tests share."""
    if not sys.platform.startswith("linux"):
        pytest.skip("the limits of a process are those of Linux")
    watched = Watched(tmp_path_factory.mktemp("fuzz"))
    yield watched
    watched.close()
