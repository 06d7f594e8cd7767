"""Asks many requests, a few at a time, at the pace that the provider allows."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from threading import Condition, Thread

from ...errors import ProviderError
from ...settings import get_settings
from ..pause import growing, stop_requested

__all__ = ["ask_all"]

_BUSY = frozenset({429, 503, 529})
"""Statuses of a provider that takes fewer requests than it gets."""
_TRIES = 5
"""After so many failures of a request, while others succeed, it is given up."""
_TRIES_SECONDS = 600
"""So it is after this time if there are no others any more, and some succeeded."""
_TURN_SECONDS = 0.5
_GRACE_SECONDS = 1
"""How long answers that are under way are waited for after an interrupt."""


@dataclass(slots=True)
class _Task:
    line: bytes
    failures: int = 0
    failed_at: float = 0.0
    """When it failed for the first time."""
    successes_before: int = 0
    """Requests that had succeeded by then."""
    not_before: float = 0.0


def ask_all(
    lines: Iterator[bytes],
    ask: Callable[[bytes], None],
    most: int,
    turn: Callable[[int, str | None], bool],
) -> list[tuple[bytes, str]]:
    """Ask each request; wait and try again where that can help.

    Args:
        lines: The requests.
        ask: Asks one and keeps its answer; called in threads.
        most: Requests that are under way at the same time.
        turn: Called here a few times a second, with the number of answers and, once,
            the first failure; no further request is asked once it returns False.

    Returns:
        The requests that were given up, each with the last error.

    Raises:
        ProviderError: No request can be answered, or none was for
            `patience_seconds`; those under way were waited for.
        KeyboardInterrupt: A stop was requested.
    """
    pool = _Pool(lines, ask, most)
    for _ in range(most):
        Thread(target=pool.work, daemon=True).start()
    try:
        while not pool.wait(_TURN_SECONDS):
            if stop_requested():
                raise KeyboardInterrupt
            if not turn(*pool.news()):
                pool.close()
    finally:
        pool.close()
        pool.wait(_GRACE_SECONDS)
    turn(*pool.news())
    if pool.failure is not None:
        raise pool.failure
    return pool.given_up


class _Pool:
    """What the threads share; every field is guarded by the condition."""

    def __init__(
        self, lines: Iterator[bytes], ask: Callable[[bytes], None], most: int
    ) -> None:
        self.failure: BaseException | None = None
        self.given_up: list[tuple[bytes, str]] = []
        self._lines = lines
        self._ask = ask
        self._most = self._limit = most
        self._again: list[_Task] = []
        self._changed = Condition()
        self._active = self._successes = self._calm = 0
        self._is_closed = self._is_over = self._is_told = False
        self._first_failure: str | None = None
        self._resume_at = 0.0
        self._be_patient()

    def work(self) -> None:
        """Ask until nothing is left; the body of each thread."""
        while (task := self._take()) is not None:
            try:
                self._ask(task.line)
            except ProviderError as exc:
                with self._changed:
                    self._fail(task, exc)
            except BaseException as exc:  # noqa: BLE001 - raised by `ask_all`
                with self._changed:
                    self._stop(exc)
            else:
                with self._changed:
                    self._succeed()
            with self._changed:
                self._active -= 1
                self._changed.notify_all()

    def wait(self, seconds: float) -> bool:
        """Wait a while for the end; return whether nothing is under way or left."""
        with self._changed:
            return self._changed.wait_for(lambda: self._is_over, seconds)

    def close(self) -> None:
        """Ask no further request."""
        with self._changed:
            self._is_closed = True
            self._changed.notify_all()

    def news(self) -> tuple[int, str | None]:
        """Return how many were answered, and the first failure if it is new."""
        with self._changed:
            text = None if self._is_told else self._first_failure
            self._is_told = self._first_failure is not None
            return self._successes, text

    def _take(self) -> _Task | None:
        with self._changed:
            while not self._is_closed:
                now = time.monotonic()
                seconds: float | None = None
                if self._active < self._limit:
                    seconds = self._resume_at - now
                if seconds is not None and seconds <= 0:
                    if (task := self._next(now)) is not None:
                        self._active += 1
                        return task
                    if not (self._again or self._active):
                        break
                    due = [each.not_before for each in self._again]
                    seconds = max(min(due) - now, 0.01) if due else None
                self._changed.wait(seconds)
            if self._active == 0:
                self._is_over = True
                self._changed.notify_all()
            return None

    def _next(self, now: float) -> _Task | None:
        for task in self._again:
            if task.not_before <= now:
                self._again.remove(task)
                return task
        try:
            line = next(self._lines, None)
        except BaseException as exc:  # noqa: BLE001 - raised by `ask_all`
            self._stop(exc)
            return None
        return None if line is None else _Task(line)

    def _be_patient(self) -> None:
        settings = get_settings()
        self._failures_in_a_row = 0
        self._pauses = growing(settings.retry_seconds, settings.max_poll_seconds)
        self._give_up_at = time.monotonic() + settings.patience_seconds

    def _succeed(self) -> None:
        self._be_patient()
        self._successes += 1
        self._calm += 1
        if self._limit < self._most and self._calm > 4 * self._limit:
            self._limit += 1
            self._calm = 0

    def _stop(self, exc: BaseException) -> None:
        self.failure = self.failure or exc
        self._is_closed = True

    def _fail(self, task: _Task, exc: ProviderError) -> None:
        now, wait_seconds = time.monotonic(), exc.retry_after_seconds or 0.0
        if not exc.retryable or now + wait_seconds > self._give_up_at:
            self._stop(exc)
            return
        self._first_failure = self._first_failure or str(exc)
        self._failures_in_a_row += 1
        is_busy = exc.status in _BUSY or wait_seconds > 0
        if is_busy and now >= self._resume_at:
            self._limit = max(1, self._limit // 2)
            self._calm = 0
        if is_busy or self._failures_in_a_row >= self._most:
            pause = max(next(self._pauses), wait_seconds)
            self._resume_at = max(self._resume_at, now + pause)
        if not is_busy:
            if task.failures == 0:
                task.failed_at, task.successes_before = now, self._successes
            task.failures += 1
        others = self._successes - task.successes_before
        is_long_ago = self._successes and now - task.failed_at > _TRIES_SECONDS
        if task.failures >= _TRIES and (others or is_long_ago):
            self.given_up.append((task.line, str(exc)))
        else:
            settings = get_settings()
            pause = settings.retry_seconds * 2**task.failures
            task.not_before = now + min(pause, settings.max_poll_seconds)
            self._again.append(task)
