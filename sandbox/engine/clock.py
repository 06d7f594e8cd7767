"""The sandbox's virtual clock, which may run fast and can be moved forward."""

from __future__ import annotations

import threading
import time

__all__ = ["Clock"]


class Clock:
    """Virtual seconds since the epoch; never goes back.

    It starts `offset` seconds ahead of the wall clock.
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
        """Seconds ahead of the wall clock, to start with after a restart."""
        return self.now() - time.time()
