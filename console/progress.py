"""A run as it happens: bars on a terminal, one line per event in a pipe."""

from __future__ import annotations

import sys
import threading
import time
from types import TracebackType
from typing import Protocol, Self

from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    SpinnerColumn,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
)

from ..models import RunEvent
from .exits import say

__all__ = ["RunProgress", "TransferProgress", "run_progress"]

_BARS = {
    "reading": "Reading rows",
    "uploading": "Uploading",
    "waiting": "Waiting for the provider",
    "downloading": "Downloading",
    "writing": "Writing the table",
}


class RunProgress(Protocol):
    """Shows events, between `with` and its end."""

    def __enter__(self) -> Self:
        """Start showing."""
        ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        exc: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop showing; what was said stays."""
        ...

    def __call__(self, event: RunEvent) -> None:
        """Show one event; safe from any thread."""
        ...


def run_progress() -> RunProgress:
    """Return what fits standard error: a terminal, or a pipe."""
    return _Bars() if sys.stderr.isatty() else _Lines()


class _Lines:
    """One plain line per event; bytes and rows in between are left out."""

    def __init__(self) -> None:
        self._waiting: tuple[int | None, int | None] = (None, None)
        self._lock = threading.Lock()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        pass

    def __call__(self, event: RunEvent) -> None:
        with self._lock:
            if event.kind == "waiting":
                now = (event.done, event.total)
                if now == self._waiting:
                    return
                self._waiting = now
            text = _line(event)
            if text:
                say(text)


class _Bars:
    """One block for the run: a bar for each kind of work, batches folded together."""

    def __init__(self) -> None:
        self._progress = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(bar_width=None),
            TextColumn("{task.fields[amount]}"),
            TimeElapsedColumn(),
            console=Console(stderr=True),
            expand=True,
        )
        self._tasks: dict[str, TaskID] = {}
        self._units: dict[str, dict[str, tuple[int, int]]] = {}
        self._lock = threading.Lock()

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._progress.stop()

    def __call__(self, event: RunEvent) -> None:
        with self._lock:
            if event.kind in _BARS:
                self._bar(event)
            else:
                if event.kind in {"generated", "landed", "finished", "submitted"}:
                    self._close(event.kind)
                if text := _line(event):
                    self._progress.console.print(text, highlight=False, markup=False)

    def _bar(self, event: RunEvent) -> None:
        parts = self._units.setdefault(event.kind, {})
        parts[event.unit or ""] = (event.done or 0, event.total or 0)
        done = sum(part[0] for part in parts.values())
        total = sum(part[1] for part in parts.values())
        if event.kind not in self._tasks:
            self._tasks[event.kind] = self._progress.add_task(
                _BARS[event.kind], total=None, amount=""
            )
        self._progress.update(
            self._tasks[event.kind],
            completed=done,
            total=total or None,
            amount=_amount(event, done, total),
        )

    def _close(self, kind: str) -> None:
        closes = {
            "generated": ("reading",),
            "submitted": ("uploading",),
            "landed": ("downloading",),
            "finished": tuple(_BARS),
        }
        for name in closes[kind]:
            if name in self._tasks:
                self._progress.remove_task(self._tasks.pop(name))
                self._units.pop(name, None)


class TransferProgress:
    """Bytes of one upload or download, shown once it takes more than a second."""

    def __init__(self, label: str) -> None:
        self._label = label
        self._started = time.monotonic()
        self._bar: Progress | None = None
        self._task: TaskID | None = None

    def __enter__(self) -> Self:
        """Start the clock."""
        return self

    def __exit__(self, *exc: object) -> None:
        """Remove the bar."""
        if self._bar is not None:
            self._bar.stop()

    def __call__(self, done: int, total: int | None) -> None:
        """Show bytes done and in all."""
        if self._bar is None:
            if not sys.stderr.isatty() or time.monotonic() - self._started < 1:
                return
            self._bar = Progress(
                TextColumn("{task.description}"),
                BarColumn(),
                TextColumn("{task.fields[amount]}"),
                TimeElapsedColumn(),
                console=Console(stderr=True),
                transient=True,
            )
            self._bar.start()
            self._task = self._bar.add_task(self._label, total=total, amount="")
        if self._task is not None:
            amount = f"{_megabytes(done)}" + (f"/{_megabytes(total)}" if total else "")
            self._bar.update(self._task, completed=done, total=total, amount=amount)


def _amount(event: RunEvent, done: int, total: int) -> str:
    if event.kind in {"uploading", "downloading"}:
        return f"{_megabytes(done)}" + (f"/{_megabytes(total)}" if total else "")
    what = "requests" if event.kind == "waiting" else "rows"
    return f"{done:,}" + (f"/{total:,}" if total else "") + f" {what}"


def _megabytes(size: int) -> str:
    return f"{size / 1e6:,.1f} MB"


def _line(event: RunEvent) -> str | None:
    done = f"{event.done or 0:,}"
    match event.kind:
        case "started":
            return f"Run directory: {event.text}"
        case "generated":
            batches = "batch" if event.total == 1 else "batches"
            return f"Generated {done} requests for {event.total:,} {batches}"
        case "submitted":
            how = f" ({event.text})" if event.text else ""
            return f"Submitted {event.batch_id}{how}"
        case "waiting":
            return f"Waiting: {done} of {event.total:,} requests done"
        case "ended":
            return f"Batch {event.batch_id} was refused: {event.text}"
        case "landed":
            return f"Downloaded {done} results of {event.batch_id} ({event.text})"
        case "round":
            return f"Round {event.text}: {done} requests are sent again"
        case "parked":
            return f"Batch {event.batch_id} waits for capacity: {event.text}"
        case "notice":
            return f"Note: {event.text}"
        case "finished":
            return f"Wrote {event.text}"
        case _:
            return None
