"""The table of `list`, refreshed while a batch in it is in progress."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.text import Text

from ..errors import ProviderError
from ..models import Batch
from .tables import redrawn
from .views import batches_table

__all__ = ["watch"]


def watch(
    provider: str,
    look: Callable[[], Sequence[Batch]],
    poll_seconds: float,
    *,
    screen: bool,
) -> None:
    """Show the batches and refresh them every `poll_seconds` until all have ended.

    A retryable error after the first look is shown below the table. The last table
    stays on the screen, after an interrupt too.
    """
    batches = look()
    try:
        if _in_progress(batches):
            console = Console()
            with (
                _cleared_when_resized(console),
                Live(
                    _drawn(provider, batches),
                    console=console,
                    screen=screen,
                    transient=True,
                ) as live,
            ):
                while _in_progress(batches):
                    time.sleep(poll_seconds)
                    note = ""
                    try:
                        batches = look()
                    except ProviderError as exc:
                        if not exc.retryable:
                            raise
                        note = str(exc)
                    live.update(_drawn(provider, batches, note), refresh=True)
    finally:
        # An interrupt in the middle of a refresh leaves the live console unusable.
        console = Console()
        console.show_cursor()
        console.print(batches_table(provider, batches))


@contextmanager
def _cleared_when_resized(console: Console) -> Iterator[None]:
    """Clear the terminal when it is resized: it wraps lines of the former width."""
    if not hasattr(signal, "SIGWINCH"):  # Windows
        yield
        return
    before = signal.signal(signal.SIGWINCH, lambda *_: console.clear())
    try:
        yield
    finally:
        signal.signal(signal.SIGWINCH, before)


def _in_progress(batches: Sequence[Batch]) -> bool:
    return any(not batch.status.is_final for batch in batches)


def _drawn(provider: str, batches: Sequence[Batch], note: str = "") -> RenderableType:
    table = batches_table(provider, batches)
    return redrawn(Group(table, Text(note, style="yellow")) if note else table)
