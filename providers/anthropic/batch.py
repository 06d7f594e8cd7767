"""Converts Anthropic's batch object to a `Batch`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...models import Batch, BatchStatus, RequestCounts
from ..http.wire import as_int, as_mapping, as_status, as_text, as_time

__all__ = ["read_batch"]

_STATUSES = {
    "in_progress": BatchStatus.IN_PROGRESS,
    "canceling": BatchStatus.CANCELLING,
    "ended": BatchStatus.ENDED,
}
_COUNTS = ("processing", "succeeded", "errored", "canceled", "expired")


def read_batch(body: Mapping[str, Any], provider: str) -> Batch:
    """Return the batch; only its ID must be there."""
    word = as_text(body.get("processing_status")) or "no status"
    counts = as_mapping(body.get("request_counts"))
    numbers = {name: as_int(counts.get(name)) for name in _COUNTS}
    known = [number for number in numbers.values() if number is not None]
    return Batch(
        id=body["id"],
        provider=provider,
        status=as_status(word, _STATUSES),
        provider_status=word,
        endpoint="/v1/messages",
        created_at=as_time(body.get("created_at")),
        ended_at=as_time(body.get("ended_at")),
        expires_at=as_time(body.get("expires_at")),
        counts=RequestCounts(
            total=sum(known) if len(known) == len(_COUNTS) else None,
            succeeded=numbers["succeeded"],
            errored=numbers["errored"],
            expired=numbers["expired"],
            cancelled=numbers["canceled"],
        ),
        results_url=as_text(body.get("results_url")),
        archived_at=as_time(body.get("archived_at")),
    )
