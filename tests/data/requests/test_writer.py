"""Request files: as full as the limits allow, and not fuller."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from batchwright.data.requests.writer import RequestWriter
from batchwright.errors import InputError
from batchwright.providers import Limits

LIMITS = Limits(max_requests=3, max_bytes=20, source="a test")


@pytest.mark.parametrize(
    ("lines", "parts"),
    [
        ([], []),
        ([5], [[5]]),
        ([5, 5, 5, 5], [[5, 5, 5], [5]]),
        ([10, 10, 10], [[10, 10], [10]]),
        ([20, 1, 19, 1], [[20], [1, 19], [1]]),
    ],
)
def test_files_are_as_full_as_the_limits_allow(
    tmp_path: Path, lines: list[int], parts: list[list[int]]
) -> None:
    """Every request is in one file, in order, with the facts of each file."""
    writer = RequestWriter(tmp_path, LIMITS)
    told = [writer.add(b"x" * (size - 1) + b"\n") for size in lines]
    made = writer.close()
    assert [file for file in told if file] == made[:-1]
    found = [file.path.read_bytes() for file in made]
    assert [[len(line) for line in data.splitlines(True)] for data in found] == parts  # noqa: FBT003 - keepends
    for file, data in zip(made, found, strict=True):
        assert file.requests == data.count(b"\n")
        assert file.bytes == len(data)
        assert file.digest == hashlib.sha256(data).hexdigest()


def test_requests_that_are_added_together_stay_together(tmp_path: Path) -> None:
    """Several lines go into one file, and only where there is room for all of them."""
    writer = RequestWriter(tmp_path, LIMITS)
    assert writer.add(b"1\n2\n", 2) is None
    assert writer.requests_left == 1
    assert not writer.has_room(4, 2)
    writer.add(b"3\n4\n", 2)
    first, second = writer.close()
    assert first.path.read_bytes() == b"1\n2\n"
    assert (second.path.read_bytes(), second.requests) == (b"3\n4\n", 2)


def test_a_request_that_no_batch_can_hold_is_refused(tmp_path: Path) -> None:
    """The error is raised before anything is sent."""
    writer = RequestWriter(tmp_path, LIMITS)
    with pytest.raises(InputError, match="A request has 21 bytes"):
        writer.add(b"x" * 20 + b"\n")
