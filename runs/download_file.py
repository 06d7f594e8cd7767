"""Download one batch that is no part of a run."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from ..models import Batch
from ..providers import Progress, Provider
from ..settings import get_settings
from .events import emit
from .pause import growing, patiently, pause

__all__ = ["download", "wait_until_over"]


def download(
    provider: Provider,
    batch_id: str,
    path: Path,
    *,
    wait: bool = False,
    progress: Progress | None = None,
) -> int:
    """Write the result lines of a batch to a file, whole or not at all.

    Returns:
        The number of lines.

    Raises:
        BatchNotEndedError: Requests are still running, and `wait` is off.
        BatchFailedError: The provider refused the input, so nothing ran.
        ResultsGoneError: The provider no longer has the results.
    """
    if not wait:
        return provider.download(provider.retrieve(batch_id), path, progress)
    batch = wait_until_over(lambda: provider.retrieve(batch_id))
    return patiently(
        lambda: provider.download(batch, path, progress), f"The download of {batch_id}"
    )


def wait_until_over(look: Callable[[], Batch]) -> Batch:
    """Return the batch once the provider is done with it; never cancels it.

    Looks after `BATCHWRIGHT_POLL_SECONDS`, and then ever more rarely. The first look
    fails at once, a later one is repeated.
    """
    settings = get_settings()
    batch = look()
    for seconds in growing(settings.poll_seconds, settings.max_poll_seconds):
        if batch.status.is_final:
            return batch
        counts = batch.counts
        emit("waiting", batch_id=batch.id, done=counts.done, total=counts.total)
        pause(seconds)
        batch = patiently(look, f"Looking at {batch.id}")
    raise AssertionError("pauses never end")
