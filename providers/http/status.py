"""A provider's word for where a batch stands, as one of ours."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from functools import cache

from ...errors import BatchNotEndedError, ProviderError
from ...models import Batch, BatchStatus

__all__ = ["check_ended", "known_status", "stop"]

_logger = logging.getLogger(__name__)
_ENDED_ALREADY = frozenset({400, 409})


def known_status(word: str, statuses: Mapping[str, BatchStatus]) -> BatchStatus:
    """Return our status; an unknown word counts as in progress, with a warning."""
    status = statuses.get(word.strip().lower().replace(" ", "_"))
    if status is None:
        _warn_once(word)
        return BatchStatus.IN_PROGRESS
    return status


@cache
def _warn_once(word: str) -> None:
    _logger.warning("Unknown batch status %r is taken for in progress.", word)


def check_ended(batch: Batch) -> None:
    """Make sure that the results can be there.

    Raises:
        BatchNotEndedError: Requests are still running.
    """
    if batch.status.is_final:
        return
    total = batch.counts.total
    if batch.counts.done and total:
        far = f", with {batch.counts.done:,} of {total:,} requests done"
    else:
        far = f", with {total:,} requests" if total else ""
    raise BatchNotEndedError(
        f"Batch {batch.id} is still {batch.provider_status}{far}; download it once it"
        " has ended."
    )


def stop(
    batch_id: str, cancel: Callable[[str], Batch], retrieve: Callable[[str], Batch]
) -> Batch:
    """Cancel a batch that still runs; return any other as it is.

    A batch may end between the look and the call, which is then refused.
    """
    batch = retrieve(batch_id)
    if batch.status is not BatchStatus.IN_PROGRESS:
        return batch
    try:
        return cancel(batch_id)
    except ProviderError as exc:
        if exc.status not in _ENDED_ALREADY:
            raise
        batch = retrieve(batch_id)
        if batch.status is BatchStatus.IN_PROGRESS:
            raise
        return batch
