"""The events of a run in words."""

from __future__ import annotations

from collections.abc import Callable

from rich.filesize import decimal

from ...errors import visible_line
from ...models import EventKind, RunEvent

__all__ = ["BARS", "describe", "line_of"]

BARS: dict[EventKind, tuple[str, Callable[[int], str]]] = {
    "checking": ("Checking", decimal),
    "reading": ("Reading rows", "{:,}".format),
    "uploading": ("Uploading", decimal),
    "waiting": ("Waiting for answers", "{:,}".format),
    "downloading": ("Downloading", decimal),
    "asking": ("Asking in realtime", "{:,}".format),
    "writing": ("Writing rows", "{:,}".format),
}
"""Events that come many times: name of the bar, and how its amounts are written."""

_LINES: dict[EventKind, str] = {
    "started": "Run directory: {event.text}",
    "generated": "Made {requests} for {batches}",
    "submitted": "Created batch {event.batch_id}{how}",
    "ended": "Batch {event.batch_id} was refused: {event.text}",
    "downloaded": "Downloaded {results} of {event.batch_id}{how}",
    "asked": "Got {answers} in realtime",
    "round": "Round {event.text} sends {requests} again",
    "parked": "Batch {event.batch_id} waits for capacity: {event.text}",
    "notice": "Note: {event.text}",
    "finished": "Wrote {event.text}",
}
"""Events that come once each."""


def line_of(event: RunEvent) -> str | None:
    """Return what happened, as one plain line; None for mere progress."""
    if event.kind not in _LINES:
        return None
    done = event.done or 0
    requests = _counted(done, "request", "requests")
    how = event.text or (requests if event.kind == "submitted" and done else "")
    line = _LINES[event.kind].format(
        event=event,
        requests=requests,
        results=_counted(done, "result", "results"),
        answers=_counted(done, "answer", "answers"),
        batches=_counted(event.total or 0, "batch", "batches"),
        how=how and f" ({how})",
    )
    return visible_line(line)


def _counted(number: int, one: str, more: str) -> str:
    return f"{number:,} {one if number == 1 else more}"


def describe(event: RunEvent) -> str:
    """Return an event as one plain line."""
    if (line := line_of(event)) is not None:
        return line
    name, written = BARS[event.kind]
    of = "" if event.total is None else f" of {written(event.total)}"
    return f"{name}: {written(event.done or 0)}{of}"
