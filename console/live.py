"""The table of `list`, refreshed until nothing in it runs any more."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.text import Text

from ..errors import ProviderError
from ..models import Batch
from .batches import batches_table

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
            with Live(
                batches_table(provider, batches),
                screen=screen,
                transient=True,
            ) as live:
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


def _any_runs(batches: Sequence[Batch]) -> bool:
    return any(not batch.status.is_final for batch in batches)


def _drawn(provider: str, batches: Sequence[Batch], note: str) -> RenderableType:
    table = batches_table(provider, batches)
    return Group(table, Text(note, style="yellow")) if note else table
