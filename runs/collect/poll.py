"""One poller for a whole run: a page of the list call shows many batches."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from ...errors import UnknownBatchError
from ...models import Batch
from ...providers import Provider
from ..pause import patiently

__all__ = ["CLOCK_MARGIN", "Poller"]

_MAX_CALLS = 14
_FEW = 3
CLOCK_MARGIN = timedelta(minutes=10)
"""How much the clock here may differ from the provider's."""


class Poller:
    """Looks at open batches, in at most 14 calls at a time.

    The listing continues where the last look ended, so that in an account with many
    other batches a look takes no more calls, only more looks are needed. Absence from
    a list proves nothing: what a whole listing did not show is retrieved.
    """

    def __init__(self, provider: Provider) -> None:
        self._provider = provider
        self._listing: Iterator[Batch] | None = None
        self._seen: set[str] = set()
        self._unlisted: list[str] = []

    def look(self, open_batches: dict[str, datetime]) -> dict[str, Batch | None]:
        """Return the batches seen now, by ID; None where the provider knows none.

        Args:
            open_batches: IDs with the time each was created at.
        """
        return patiently(lambda: self.look_once(open_batches), "Looking at the batches")

    def look_once(self, open_batches: dict[str, datetime]) -> dict[str, Batch | None]:
        """Return the same; an error that may pass is raised at once."""
        if len(open_batches) <= _FEW:
            return {batch_id: self._retrieve(batch_id) for batch_id in open_batches}
        found: dict[str, Batch | None] = {}
        calls = 0
        while self._unlisted and calls < _MAX_CALLS:
            batch_id = self._unlisted.pop()
            if batch_id in open_batches:
                found[batch_id] = self._retrieve(batch_id)
                calls += 1
        left = (_MAX_CALLS - calls) * self._provider.page_size
        if left:
            found |= self._list(open_batches, left)
        return found

    def _list(
        self, open_batches: dict[str, datetime], most: int
    ) -> dict[str, Batch | None]:
        oldest = min(open_batches.values()) - CLOCK_MARGIN
        found: dict[str, Batch | None] = {}
        if self._listing is None:
            self._listing = self._provider.list(limit=1_000_000)
            self._seen = set()
        listing, self._listing = self._listing, None  # a failure starts over
        for _ in range(most):
            batch = next(listing, None)
            if batch is None or (batch.created_at and batch.created_at < oldest):
                self._unlisted = sorted(open_batches.keys() - self._seen)
                return found
            if batch.id in open_batches:
                self._seen.add(batch.id)
                found[batch.id] = batch
                if open_batches.keys() <= self._seen:
                    return found
        self._listing = listing
        return found

    def _retrieve(self, batch_id: str) -> Batch | None:
        try:
            return self._provider.retrieve(batch_id)
        except UnknownBatchError:
            return None
