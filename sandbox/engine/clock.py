"""The sandbox's own time, which may run fast and can be moved forward."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime

__all__ = ["Clock", "rfc3339"]


class Clock:
    """Virtual seconds since the epoch; never runs backwards.

    `offset` is how far it is ahead of the wall clock when it starts.
    """

    def __init__(self, scale: float = 1.0, offset: float = 0.0) -> None:
        self.scale = scale
        self._lock = threading.Lock()
        self._start = time.time() + offset
        self._start_monotonic = time.monotonic()

    def now(self) -> float:
        """Return the virtual time."""
        with self._lock:
            passed = time.monotonic() - self._start_monotonic
            return self._start + passed * self.scale

    def advance(self, seconds: float) -> float:
        """Move time forward and return the new time."""
        with self._lock:
            self._start += seconds
        return self.now()

    @property
    def offset(self) -> float:
        """How far it is ahead of the wall clock, to continue from after a restart."""
        return self.now() - time.time()


def rfc3339(seconds: float | None) -> str | None:
    """Return a moment as Anthropic writes it."""
    if seconds is None:
        return None
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="microseconds")
