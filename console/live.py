"""The table of `list`, refreshed until nothing in it runs any more."""

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
from .batches import batches_table
from .tables import redrawn

__all__ = ["watch"]


def watch(
    provider: str,
    look: Callable[[], Sequence[Batch]],
    poll_seconds: float,
    *,
    screen: bool,
) -> None:
    """Show the batches, looking again every `poll_seconds`, until all are over.

    A later look that fails in passing is said below the table, and repeated. The
    last table stays on the screen, also after an interrupt.
    """
    batches = look()
    try:
        if _any_runs(batches):
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
                while _any_runs(batches):
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
    """Empty the terminal as its size changes: it wraps what was drawn for another."""
    if not hasattr(signal, "SIGWINCH"):  # Windows
        yield
        return
    before = signal.signal(signal.SIGWINCH, lambda *_: console.clear())
    try:
        yield
    finally:
        signal.signal(signal.SIGWINCH, before)


def _any_runs(batches: Sequence[Batch]) -> bool:
    return any(not batch.status.is_final for batch in batches)


def _drawn(provider: str, batches: Sequence[Batch], note: str = "") -> RenderableType:
    table = batches_table(provider, batches)
    return redrawn(Group(table, Text(note, style="yellow")) if note else table)
