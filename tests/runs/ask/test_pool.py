"""Tests of `runs.ask.pool`: the pace at which requests are asked."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator
from threading import Barrier, Event, Lock
from typing import Any

import pytest

from batchwright.errors import AccessError, UnreachableError
from batchwright.runs.ask.pool import ask_all
from batchwright.settings import get_settings

LINES = [f"{number}".encode() for number in range(24)]


class Api:
    """Answers requests, and notes when each came and how many were under way."""

    def __init__(self, fails: Callable[[bytes, int], Exception | None]) -> None:
        self.fails = fails
        self.asked: list[tuple[float, bytes]] = []
        self.kept: list[bytes] = []
        self.most = 0
        self._active = 0
        self._lock = Lock()

    def ask(self, line: bytes) -> None:
        """Answer, or fail as it was told to."""
        with self._lock:
            self.asked.append((time.monotonic(), line))
            self._active += 1
            self.most = max(self.most, self._active)
            number = len(self.asked)
        failure = self.fails(line, number)
        with self._lock:
            self._active -= 1
            if failure is None:
                self.kept.append(line)
        if failure is not None:
            raise failure


def ask(api: Api, most: int = 8, lines: Iterator[bytes] | None = None) -> Any:
    """Ask all lines; return what was given up."""
    return ask_all(lines or iter(LINES), api.ask, most, lambda *_: True)


def busy(seconds: float) -> UnreachableError:
    """Return the error of a rate limit."""
    return UnreachableError("Too many.", 429, None, seconds)


@pytest.mark.parametrize("most", [1, 3, 8])
def test_as_many_are_under_way_as_allowed(most: int) -> None:
    """Each request is asked once; never more at a time than allowed."""
    api = Api(lambda *_: None)
    meeting = Barrier(most)

    def meet(_line: bytes, number: int) -> None:
        if number <= most:
            meeting.wait(5)  # breaks if fewer are under way

    api.fails = meet
    assert ask(api, most) == []
    assert sorted(api.kept) == sorted(LINES)
    assert api.most == most


def test_a_rate_limit_is_waited_for_and_lowers_the_pace() -> None:
    """No request is asked before `retry-after` is over, and then fewer at a time."""
    api = Api(lambda _, number: busy(0.2) if number == 1 else None)
    assert ask(api) == []
    assert sorted(api.kept) == sorted(LINES)
    first = api.asked[0][0]
    later = [at - first for at, _ in api.asked if at - first > 0.1]
    assert min(later) >= 0.19
    assert len(api.asked) == len(LINES) + 1


def test_a_request_that_always_fails_is_given_up() -> None:
    """While others succeed, one that cannot be answered stops nobody."""
    bad = LINES[0]
    has_failed = Event()

    def fails(line: bytes, _number: int) -> Exception | None:
        if line == bad:
            has_failed.set()
            return UnreachableError("Broken.", 500)
        has_failed.wait(5)
        return None

    api = Api(fails)
    assert ask(api, most=2) == [(bad, "Broken.")]
    assert len(api.kept) == len(LINES) - 1
    assert Counter(line for _, line in api.asked)[bad] == 5


def test_a_refused_key_ends_it() -> None:
    """After a failure that waiting cannot help nothing more is asked."""
    api = Api(lambda _, number: AccessError("No.", 401) if number >= 5 else None)
    with pytest.raises(AccessError):
        ask(api, most=2)
    assert len(api.kept) == 4
    assert len(api.asked) <= 6


def test_an_outage_ends_it_once_patience_is_over(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Where nothing succeeds any more, no request is given up, and the run stops."""
    monkeypatch.setenv("BATCHWRIGHT_PATIENCE_SECONDS", "0.3")
    get_settings.cache_clear()
    try:
        api = Api(lambda _, number: UnreachableError("Down.") if number > 3 else None)
        with pytest.raises(UnreachableError, match="Down"):
            ask(api, most=3)
        assert len(api.kept) == 3
    finally:
        get_settings.cache_clear()


def test_it_stops_when_it_is_told_to() -> None:
    """Once the turn says no, what is under way is kept and nothing else asked."""
    api = Api(lambda *_: None)
    turns = iter([True])

    def endless() -> Iterator[bytes]:
        while True:
            yield from LINES

    assert ask_all(endless(), api.ask, 4, lambda *_: next(turns, False)) == []
    assert len(api.kept) == len(api.asked)


def test_requests_that_cannot_be_read_end_it() -> None:
    """An error of the iterator reaches the caller."""

    def broken() -> Iterator[bytes]:
        yield LINES[0]
        raise OSError("The disk is gone.")

    api = Api(lambda *_: None)
    with pytest.raises(OSError, match="gone"):
        ask(api, lines=broken())
    assert api.kept == [LINES[0]]


def test_a_wait_that_is_too_long_ends_it() -> None:
    """A provider that asks to wait for longer than patience lasts stops the run."""
    api = Api(lambda *_: busy(1e9))
    with pytest.raises(UnreachableError, match="Too many"):
        ask(api, most=2)
    assert len(api.asked) <= 2
