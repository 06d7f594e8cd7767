"""The events of a run in words."""

from __future__ import annotations

from collections.abc import Callable

from rich.filesize import decimal

from ...errors import visible_line
from ...models import EventKind, RunEvent

__all__ = ["BARS", "describe"]

BARS: dict[EventKind, tuple[str, Callable[[int], str]]] = {
    "checking": ("Checking", decimal),
    "reading": ("Reading rows", "{:,}".format),
    "uploading": ("Uploading", decimal),
    "waiting": ("Waiting for answers", "{:,}".format),
    "downloading": ("Downloading", decimal),
    "writing": ("Writing rows", "{:,}".format),
}
"""Events that come many times: name of the bar, and how its amounts are written."""

_LINES: dict[EventKind, str] = {
    "started": "Run directory: {event.text}",
    "generated": "Made {done} requests for {batches}",
    "submitted": "Created batch {event.batch_id}{how}",
    "ended": "Batch {event.batch_id} was refused: {event.text}",
    "downloaded": "Downloaded {done} results of {event.batch_id}{how}",
    "round": "Round {event.text}: {done} requests are sent again",
    "parked": "Batch {event.batch_id} waits for capacity: {event.text}",
    "notice": "Note: {event.text}",
    "finished": "Wrote {event.text}",
}
"""All other events."""


def describe(event: RunEvent) -> str:
    """Return an event as one plain line."""
    done, total = event.done or 0, event.total or 0
    if event.kind in _LINES:
        line = _LINES[event.kind].format(
            event=event,
            done=f"{done:,}",
            batches=f"{total:,} {'batch' if total == 1 else 'batches'}",
            how=f" ({event.text})" if event.text else "",
        )
        return visible_line(line)
    name, written = BARS[event.kind]
    of = "" if event.total is None else f" of {written(total)}"
    return f"{name}: {written(done)}{of}"
