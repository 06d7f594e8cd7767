"""Tests of `runs.ask.answers`: answers survive whatever ends the process."""

from __future__ import annotations

import os
import resource
import signal
from pathlib import Path

import pytest

from batchwright.runs.ask.answers import answers_in
from batchwright.runs.directory.storage import Directory

NAME = "shards/00000/attempts/000.output.jsonl"
LINE = b'{"id":"%b"}'


def name_of(line: bytes) -> str:
    """Return the ID of a line."""
    return line.split(b'"')[3].decode()


def add(directory: Directory, *names: str) -> set[str | None]:
    """Add lines; return the IDs that were there before."""
    with answers_in(directory, NAME, name_of) as answers:
        for name in names:
            answers.add(name, LINE % name.encode())
        return answers.ids


def test_a_torn_last_line_is_dropped(tmp_path: Path) -> None:
    """Wherever a kill cut the last line, those before it count, and it is added."""
    directory = Directory(str(tmp_path))
    path = tmp_path / NAME
    add(directory, "a", "b")
    whole = path.read_bytes()
    for cut in range(1, len(whole) // 2 + 1):
        path.write_bytes(whole[:-cut])
        assert add(directory, "b") == {"a"}
        assert path.read_bytes() == whole


def test_a_full_disk_leaves_whole_lines(tmp_path: Path) -> None:
    """What was written of a line that found no room is taken back."""
    directory = Directory(str(tmp_path))
    add(directory, "a")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (15, hard))
    try:
        with pytest.raises(OSError, match="too large"):
            add(directory, "b")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, before)
    assert (tmp_path / NAME).read_bytes() == LINE % b"a" + b"\n"
    assert add(directory) == {"a"}


def test_a_store_keeps_each_line_by_itself(bucket: str) -> None:
    """On S3 each line is an object, until all are in one."""
    directory = Directory(f"{bucket}/run-{os.getpid()}")
    assert add(directory, "a", "b") == set()
    assert len(directory.names()) == 2
    with answers_in(directory, NAME, name_of) as answers:
        assert answers.ids == {"a", "b"}
        answers.add("c", LINE % b"c")
        assert sorted(answers.path.read_bytes().splitlines()) == [
            LINE % x for x in (b"a", b"b", b"c")
        ]
        answers.clear()
    assert directory.names() == []
