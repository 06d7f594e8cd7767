"""What happens in a task, in the log of its run."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from prefect import get_run_logger

from ..models import RunEvent
from ..runs.events import listening
from ..runs.report.event_text import line_of

__all__ = ["logged"]


@contextmanager
def logged() -> Iterator[None]:
    """Log the events of the block: what was done, with batches and counts."""
    logger = get_run_logger()

    def log(event: RunEvent) -> None:
        if event.kind == "notice":
            logger.warning("%s", event.text)
        elif line := line_of(event):
            logger.info("%s", line)

    with listening(log):
        yield
