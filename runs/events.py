"""Progress as events: `emit` passes each to every listener of this context."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from ..models import Batch, EventKind, RunEvent

__all__ = ["bytes_told", "emit", "listening"]

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


def bytes_told(kind: EventKind) -> Callable[[int, int | None], None]:
    """Return a callback that emits bytes done and bytes in all."""
    return lambda done, total: emit(kind, done=done, total=total)
