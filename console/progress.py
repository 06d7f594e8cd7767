"""Progress of a command: bars on a terminal, one line for each event in a pipe."""

from __future__ import annotations

import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console, RenderableType
from rich.progress import (
    BarColumn,
    Progress,
    SpinnerColumn,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
)

from ..models import EventKind, RunEvent
from ..runs.report.event_text import BARS, describe
from .exits import say
from .tables import redrawn

__all__ = ["Bars", "Tell", "erase_bars", "progress_shown"]

Tell = Callable[[RunEvent], None]

_ENDS: dict[EventKind, tuple[EventKind, ...]] = {
    "uploading": ("checking",),
    "generated": ("reading",),
    "submitted": ("uploading",),
    "downloaded": ("downloading",),
    "asking": ("waiting",),
    "asked": ("asking",),
    "finished": (*BARS, "submitted", "downloaded"),
}
"""Which bars are removed when an event comes."""

_FOLDED: dict[EventKind, str] = {
    "submitted": "Batches created",
    "downloaded": "Batches downloaded",
}
"""Events that come once for each batch, and the name of the bar that counts them."""
_SHOWN_BATCHES = 8
"""Batches that get a line each on a terminal; `batchwright status` lists all."""

_ERASE_SECONDS = 0.5
_shown: list[Progress] = []


def erase_bars() -> None:
    """Remove the bars from the terminal, before the process exits."""
    for progress in _shown:
        # The thread that draws them may hold its lock for ever.
        thread = threading.Thread(target=progress.stop, daemon=True)
        thread.start()
        thread.join(_ERASE_SECONDS)


@contextmanager
def progress_shown(beginning: str | None = None) -> Iterator[Tell]:
    """Show the events that the block tells, from any thread, on standard error.

    Args:
        beginning: Text to show until the first event.
    """
    if not sys.stderr.isatty():
        if beginning:
            say(beginning)
        yield _Lines().tell
        return
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=None),
        TextColumn("{task.fields[amount]}"),
        TimeElapsedColumn(),
    )
    console = Console(stderr=True)
    with _Block(*columns, console=console, expand=True, transient=True) as progress:
        _shown.append(progress)
        try:
            yield Bars(progress, beginning).tell
        finally:
            _shown.remove(progress)


class _Block(Progress):
    """The bars of a run."""

    def get_renderable(self) -> RenderableType:
        """Return what is drawn."""
        return redrawn(super().get_renderable())


class _Lines:
    """Prints each event; of those that come many times, only changes of `waiting`."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting = ""

    def tell(self, event: RunEvent) -> None:
        with self._lock:
            line = describe(event)
            if event.kind == "waiting":
                if line == self._waiting:
                    return
                self._waiting = line
            elif event.kind in BARS:
                return
            say(line)


class Bars:
    """A bar for each kind of work, which adds up all batches."""

    def __init__(self, progress: Progress, beginning: str | None) -> None:
        self._lock = threading.Lock()
        self._progress = progress
        self._tasks: dict[EventKind, TaskID] = {}
        self._parts: dict[EventKind, dict[str | None, tuple[int, int]]] = {}
        self._batches: Counter[EventKind] = Counter()
        self._beginning: TaskID | None = None
        if beginning:
            self._beginning = progress.add_task(beginning, total=None, amount="")

    def tell(self, event: RunEvent) -> None:
        """Show an event; may be called from any thread."""
        with self._lock:
            if self._beginning is not None:
                self._progress.remove_task(self._beginning)
                self._beginning = None
            for kind in _ENDS.get(event.kind, ()):
                self._remove(kind)
            if event.kind in BARS:
                self._advance(event)
                return
            if event.kind in _FOLDED:
                self._batches[event.kind] += 1
                if self._batches[event.kind] > _SHOWN_BATCHES:
                    self._fold(event.kind)
                    return
            # Rich moves the cursor first and draws the bars later; a line that is
            # printed in between would leave an old bar on the screen.
            with self._progress.live._lock:  # noqa: SLF001 - nothing public spans both
                console = self._progress.console
                console.print(describe(event), highlight=False, markup=False)

    def _advance(self, event: RunEvent) -> None:
        name, written = BARS[event.kind]
        parts = self._parts.setdefault(event.kind, {})
        parts[event.shard] = (event.done or 0, event.total or 0)
        done = sum(part[0] for part in parts.values())
        total = sum(part[1] for part in parts.values())
        if event.kind not in self._tasks:
            self._tasks[event.kind] = self._progress.add_task(name, amount="")
        self._progress.update(
            self._tasks[event.kind],
            completed=done,
            total=total or None,
            amount=f"{written(done)}/{written(total)}" if total else written(done),
        )

    def _fold(self, kind: EventKind) -> None:
        """Count a batch in a bar instead of printing a line for it."""
        if kind not in self._tasks:
            name = _FOLDED[kind]
            self._tasks[kind] = self._progress.add_task(name, total=None, amount="")
        amount = f"{self._batches[kind]:,}"
        self._progress.update(self._tasks[kind], amount=amount)

    def _remove(self, kind: EventKind) -> None:
        if kind in self._tasks:
            self._progress.remove_task(self._tasks.pop(kind))
            self._parts.pop(kind, None)
