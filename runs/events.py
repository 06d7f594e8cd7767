"""Progress as events: `emit` passes each to every listener of this context."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from ..errors import visible_line
from ..models import Batch, EventKind, RunEvent

__all__ = ["bytes_told", "emit", "line_of", "listening"]

_listeners: ContextVar[tuple[Callable[[RunEvent], None], ...]] = ContextVar(
    "batchwright_listeners", default=()
)


@contextmanager
def listening(callback: Callable[[RunEvent], None]) -> Iterator[None]:
    """Call `callback` with each event of this context and the threads it starts.

    It may be called from several threads at once.
    """
    token = _listeners.set((*_listeners.get(), callback))
    try:
        yield
    finally:
        _listeners.reset(token)


def emit(
    kind: EventKind,
    *,
    shard: str | None = None,
    batch_id: str | None = None,
    done: int | None = None,
    total: int | None = None,
    text: str | None = None,
    batches: tuple[Batch, ...] = (),
) -> None:
    """Pass an event to all listeners; costs nothing where there are none."""
    listeners = _listeners.get()
    if not listeners:
        return
    event = RunEvent(
        kind=kind,
        shard=shard,
        batch_id=batch_id,
        done=done,
        total=total,
        text=text,
        batches=batches,
    )
    for listener in listeners:
        listener(event)


_LINES: dict[EventKind, str] = {
    "started": "Run directory: {event.text}",
    "generated": "Made {requests} for {batches}",
    "submitted": "Created batch {event.batch_id}{how}",
    "ended": "Batch {event.batch_id} was refused: {event.text}",
    "downloaded": "Downloaded {done} results of {event.batch_id}{how}",
    "asked": "Got {done} answers in realtime",
    "round": "Round {event.text}: {requests} are sent again",
    "parked": "Batch {event.batch_id} waits for capacity: {event.text}",
    "notice": "Note: {event.text}",
    "finished": "Wrote {event.text}",
}
"""Events that come once each."""


def line_of(event: RunEvent) -> str | None:
    """Return what happened, as one plain line; None for mere progress."""
    if event.kind not in _LINES:
        return None
    requests = _counted(event.done or 0, "request", "requests")
    how = event.text or (requests if event.kind == "submitted" and event.done else "")
    line = _LINES[event.kind].format(
        event=event,
        done=f"{event.done or 0:,}",
        requests=requests,
        batches=_counted(event.total or 0, "batch", "batches"),
        how=how and f" ({how})",
    )
    return visible_line(line)


def _counted(number: int, one: str, more: str) -> str:
    return f"{number:,} {one if number == 1 else more}"


def bytes_told(kind: EventKind) -> Callable[[int, int | None], None]:
    """Return a callback that emits bytes done and bytes in all."""
    return lambda done, total: emit(kind, done=done, total=total)
