"""Tests of `runs.pause`: waiting grows, and calls are repeated while that can help."""

from __future__ import annotations

from itertools import islice

import pytest

from batchwright.errors import (
    BatchwrightError,
    CreationUnknownError,
    RejectedError,
    UnreachableError,
)
from batchwright.models import RunEvent
from batchwright.runs.events import listening
from batchwright.runs.pause import growing, patiently


def test_pauses_grow_to_the_longest_with_jitter() -> None:
    """From 2 s to 5 min in about a dozen looks, and never in step with others."""
    seconds = list(islice(growing(2, 300), 30))
    assert 1.6 <= seconds[0] <= 2.4
    assert all(240 <= each <= 360 for each in seconds[14:])
    assert sum(seconds[:13]) < 900
    assert len(set(seconds[14:])) > 10


@pytest.mark.parametrize(
    ("error", "calls"),
    [
        (UnreachableError("down"), 5),
        (RejectedError("no"), 1),
        (CreationUnknownError("perhaps"), 1),
    ],
)
def test_only_what_may_pass_is_repeated(error: BatchwrightError, calls: int) -> None:
    """A creation never is: that is for whoever can look whether it happened."""
    made = 0
    said: list[RunEvent] = []

    def call() -> str:
        nonlocal made
        made += 1
        if made < 5:
            raise error
        return "done"

    with listening(said.append):
        if calls == 1:
            with pytest.raises(type(error)):
                patiently(call, "It")
        else:
            assert patiently(call, "It") == "done"
    assert made == calls
    assert [event.kind for event in said] == ["notice"] * (calls > 1)


def test_patience_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    """The last failure is told as it is."""
    monkeypatch.setenv("BATCHWRIGHT_PATIENCE_SECONDS", "0")

    def call() -> None:
        raise UnreachableError("down")

    with pytest.raises(UnreachableError, match="down"):
        patiently(call, "It")


def test_a_wait_that_is_asked_for_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where `retry-after` is longer than the patience, nobody waits for nothing."""
    monkeypatch.setenv("BATCHWRIGHT_PATIENCE_SECONDS", "60")
    made = 0

    def call() -> None:
        nonlocal made
        made += 1
        raise UnreachableError("slow down", 429, None, 130)

    with pytest.raises(UnreachableError, match="slow down"):
        patiently(call, "It")
    assert made == 1
