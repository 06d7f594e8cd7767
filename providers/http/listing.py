"""Reads a provider's list of batches, newest first, page by page."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import timedelta
from typing import Any

from ...errors import UnreachableError
from ...models import Batch, Intent
from .wire import as_text

__all__ = ["candidates", "items"]

_CLOCK_MARGIN = timedelta(minutes=10)


def items(
    fetch: Callable[[str | None], Mapping[str, Any]], *, complete: bool = False
) -> Iterator[dict[str, Any]]:
    """Yield each batch object once; pages are fetched as they are needed.

    A page says how the list goes on: by `paging.next_cursor`, or by `has_more`. Where
    it has neither, the list ends with an empty page or one without a new batch.

    Args:
        fetch: Returns the page that follows a cursor, or the batch with this ID.
        complete: Whether the absence of a batch will be taken as proof.

    Raises:
        UnreachableError: `complete`, and nothing shows that the list has been read to
            its end.
    """
    seen: set[str] = set()
    cursor: str | None = None
    while True:
        page = fetch(cursor)
        fresh = 0
        data = page["data"] or []
        more = page.get("has_more")
        before, paging = cursor, page.get("paging")
        for item in data:
            batch_id = as_text(item.get("id")) if isinstance(item, dict) else None
            if batch_id is None:
                continue
            cursor = batch_id
            if batch_id not in seen:
                seen.add(batch_id)
                fresh += 1
                yield item
        if isinstance(paging, Mapping):
            cursor = as_text(paging.get("next_cursor"))
            more = cursor is not None
        if more is False:
            return
        if fresh and cursor != before:
            continue
        if cursor and not data and cursor not in seen:
            seen.add(cursor)  # a page by cursor may be empty and yet not the last
            continue
        if complete and (data or more):
            raise UnreachableError(
                "The list of batches could not be read to its end: a page without a"
                " new batch does not say that it is the last. Try again."
            )
        return


def candidates(
    batches: Iterable[Batch],
    intent: Intent,
    is_match: Callable[[Batch], bool],
    margin: timedelta = timedelta(),
) -> list[Batch]:
    """Return the matches among the batches that are newer than the claim's baseline.

    Creation times are compared with the baseline's, which the server set as well, so a
    wrong local clock has no effect. If the baseline is gone, the whole list is read.

    Args:
        batches: Newest first.
        intent: The claim.
        is_match: Whether a batch may be the one that was claimed.
        margin: How much older than the baseline a match may be.
    """
    baseline_id = intent.account.newest_batch_id
    oldest = None
    found: list[Batch] = []
    for batch in batches:
        if batch.id == baseline_id and batch.created_at:
            oldest = batch.created_at - margin
        elif oldest and batch.created_at and batch.created_at < oldest:
            return found
        elif is_match(batch):
            found.append(batch)
    if baseline_id is None or oldest is not None:
        return found
    since = intent.claimed_at - _CLOCK_MARGIN
    return [
        batch for batch in found if not batch.created_at or batch.created_at > since
    ]
