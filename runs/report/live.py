"""A run that shows itself while it is worked on: in a notebook, else in the log."""

from __future__ import annotations

import logging
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from importlib import import_module
from typing import Any

from ...errors import BatchwrightError
from ...models import RunEvent
from ..events import listening
from .event_text import BARS, describe

__all__ = ["shown_live"]

_PAUSE_SECONDS = 0.5
"""Least time between two updates."""
_SHARE = 20
"""Updates take at most 1/20 of the time, even with thousands of batches."""

_logger = logging.getLogger(__name__)

Show = Callable[[str | None], dict[str, str]]
"""Returns how a run is shown, by MIME type, given the line that says what it does."""


@contextmanager
def shown_live(show: Show) -> Iterator[None]:
    """Show a run while the block works on it, and as it is after the block.

    Without a notebook each event but those of progress is logged as INFO.
    """
    if not _is_notebook():
        with listening(_log):
            yield
        return
    board = _Board(show)
    try:
        with listening(board.hear):
            yield
    finally:
        board.draw(None)


def _log(event: RunEvent) -> None:
    if event.kind not in BARS:
        _logger.info("%s", describe(event))


def _is_notebook() -> bool:
    """Whether this is the kernel of a notebook; IPython is not imported for it."""
    ipython = sys.modules.get("IPython")
    shell = ipython and ipython.get_ipython()
    return hasattr(shell, "kernel")


class _Board:
    """One output of a cell, which is replaced."""

    def __init__(self, show: Show) -> None:
        self._show = show
        self._handle: Any = None
        self._next = 0.0
        self._lock = threading.Lock()

    def hear(self, event: RunEvent) -> None:
        """Show an event, from any thread, if it is time to."""
        with self._lock:
            started = time.monotonic()
            if started >= self._next:
                self.draw(describe(event))
                took_seconds = time.monotonic() - started
                pause_seconds = max(_PAUSE_SECONDS, _SHARE * took_seconds)
                self._next = time.monotonic() + pause_seconds

    def draw(self, doing: str | None) -> None:
        """Show how the run is now; where that cannot be read, the work goes on."""
        display: Any = import_module("IPython.display").display
        with suppress(BatchwrightError, OSError):
            data = self._show(doing)
            if self._handle is None:
                self._handle = display(data, raw=True, display_id=True)
            else:
                self._handle.update(data, raw=True)
