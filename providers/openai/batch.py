"""Converts OpenAI's batch object to a `Batch`; imitations may leave fields out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...models import Batch, BatchStatus, LineError, RequestCounts
from ..http.wire import as_int, as_mapping, as_status, as_strings, as_text, as_time

__all__ = ["promised_lines", "read_batch", "read_errors", "refusal"]

_STATUSES = {
    "validating": BatchStatus.IN_PROGRESS,
    "in_progress": BatchStatus.IN_PROGRESS,
    "finalizing": BatchStatus.IN_PROGRESS,
    "cancelling": BatchStatus.CANCELLING,
    "completed": BatchStatus.ENDED,
    "expired": BatchStatus.ENDED,
    "cancelled": BatchStatus.ENDED,
    "failed": BatchStatus.FAILED,
}
_ENDS = ("completed_at", "expired_at", "cancelled_at", "failed_at")


def read_batch(body: Mapping[str, Any], provider: str) -> Batch:
    """Return the batch; only its ID must be there."""
    word = as_text(body.get("status")) or "no status"
    counts = as_mapping(body.get("request_counts"))
    ends = (as_time(body.get(name)) for name in _ENDS)
    return Batch(
        id=body["id"],
        provider=provider,
        status=as_status(word, _STATUSES),
        provider_status=word,
        endpoint=as_text(body.get("endpoint")),
        created_at=as_time(body.get("created_at")),
        ended_at=next(filter(None, ends), None),
        expires_at=as_time(body.get("expires_at")),
        counts=RequestCounts(
            total=as_int(counts.get("total")),
            succeeded=as_int(counts.get("completed")),
            errored=as_int(counts.get("failed")),
        ),
        errors=tuple(read_errors(body.get("errors"))),
        metadata=as_strings(body.get("metadata")),
        input_file_id=as_text(body.get("input_file_id")),
        output_file_id=as_text(body.get("output_file_id")),
        error_file_id=as_text(body.get("error_file_id")),
    )


def promised_lines(batch: Batch) -> int:
    """Return how many lines there are at least: all, once every request ran."""
    counts = batch.counts
    if batch.provider_status.lower() == "completed":
        return max(counts.total or 0, counts.done)
    return counts.done


def refusal(batch: Batch, title: str) -> str:
    """Return why the requests were refused, line by line."""
    lines = [
        (f"line {error.line}: " if error.line else "") + error.message
        for error in batch.errors
    ]
    return (
        f"{title} refused the requests of batch {batch.id}, so nothing ran:"
        f" {'; '.join(lines) or 'no reason given'}"
    )


def read_errors(value: object) -> list[LineError]:
    """Return the reasons why a batch was refused, from a list or an object with one."""
    data = value if isinstance(value, list) else as_mapping(value).get("data")
    return [
        LineError(
            message=as_text(error.get("message"))
            or as_text(error.get("code"))
            or "no reason given",
            code=as_text(error.get("code")),
            param=as_text(error.get("param")),
            line=as_int(error.get("line")),
        )
        for error in (data if isinstance(data, list) else [])
        if isinstance(error, dict)
    ]
