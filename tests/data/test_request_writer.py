"""Tests of `data.requests.writer`: files as full as the limits allow, and not fuller."""

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
    for size in lines:
        writer.add(b"x" * (size - 1) + b"\n")
    made = writer.close()
    found = [file.path.read_bytes() for file in made]
    assert [[len(line) for line in data.splitlines(True)] for data in found] == parts  # noqa: FBT003 - keepends
    for file, data in zip(made, found, strict=True):
        assert file.requests == data.count(b"\n")
        assert file.bytes == len(data)
        assert file.digest == hashlib.sha256(data).hexdigest()


def test_a_request_that_no_batch_can_hold_is_refused(tmp_path: Path) -> None:
    """It is said before anything is sent."""
    writer = RequestWriter(tmp_path, LIMITS)
    with pytest.raises(InputError, match="A request has 21 bytes"):
        writer.add(b"x" * 20 + b"\n")
