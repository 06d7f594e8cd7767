"""The table of `list`, refreshed until nothing runs any more."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from rich.console import Console
from rich.live import Live

from ..models import Batch
from .tables import batches_table

__all__ = ["watch"]


def watch(
    provider: str,
    look: Callable[[], list[Batch]],
    batches: Sequence[Batch],
    poll_seconds: float,
    *,
    screen: bool,
) -> None:
    """Show the batches, looking again every `poll_seconds`, until all are over."""
    console = Console()
    with Live(
        batches_table(provider, batches),
        console=console,
        screen=screen,
        auto_refresh=False,
    ) as live:
        while any(not batch.status.is_final for batch in batches):
            time.sleep(poll_seconds)
            batches = look()
            live.update(batches_table(provider, batches), refresh=True)
    if screen:
        console.print(batches_table(provider, batches))
