"""Converts Gemini's long-running operation to a `Batch`; any field may be missing."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ...models import Batch, BatchStatus, LineError, RequestCounts
from ..http.wire import as_int, as_mapping, as_status, as_text, as_time

__all__ = ["NAME", "read_batch"]

NAME = "displayName"
"""The member, and the key in `Batch.metadata`, that holds the token of a creation."""

_STATUSES = {
    "pending": BatchStatus.IN_PROGRESS,
    "queued": BatchStatus.IN_PROGRESS,
    "running": BatchStatus.IN_PROGRESS,
    "paused": BatchStatus.IN_PROGRESS,
    "updating": BatchStatus.IN_PROGRESS,
    "unspecified": BatchStatus.IN_PROGRESS,
    "cancelling": BatchStatus.CANCELLING,
    "succeeded": BatchStatus.ENDED,
    "partially_succeeded": BatchStatus.ENDED,
    "cancelled": BatchStatus.ENDED,
    "expired": BatchStatus.ENDED,
    "failed": BatchStatus.FAILED,
}
_PREFIX = re.compile(r"^(BATCH|JOB)_STATE_")


def read_batch(body: Mapping[str, Any], provider: str) -> Batch:
    """Return the batch; only its name must be there."""
    about = as_mapping(body.get("metadata"))
    word = as_text(about.get("state")) or "no state"
    status = as_status(_PREFIX.sub("", word), _STATUSES)
    results = _results_of(about.get("output")) or _results_of(body.get("response"))
    if status is BatchStatus.FAILED and results:
        status = BatchStatus.ENDED  # what was answered can be downloaded
    name = as_text(about.get(NAME))
    return Batch(
        id=body["name"].removeprefix("batches/"),
        provider=provider,
        status=status,
        provider_status=word,
        created_at=as_time(about.get("createTime")),
        ended_at=as_time(about.get("endTime")),
        counts=_counts(as_mapping(about.get("batchStats"))),
        errors=_errors(body.get("error")),
        metadata={NAME: name} if name else {},
        input_file_id=as_text(as_mapping(about.get("inputConfig")).get("fileName")),
        output_file_id=results,
    )


def _results_of(output: object) -> str | None:
    return as_text(as_mapping(output).get("responsesFile"))


def _counts(stats: Mapping[str, Any]) -> RequestCounts:
    """Return the counts; whole numbers of 64 bits are text in this API's JSON."""

    def count(name: str) -> int | None:
        value = stats.get(name)
        is_number = isinstance(value, str) and value.isdecimal()
        return int(str(value)) if is_number else as_int(value)

    return RequestCounts(
        total=count("requestCount"),
        succeeded=count("successfulRequestCount"),
        errored=count("failedRequestCount"),
    )


def _errors(error: object) -> tuple[LineError, ...]:
    members = as_mapping(error)
    if not members:
        return ()
    text = as_text(members.get("message")) or "no reason given"
    code = members.get("status") or members.get("code")
    return (LineError(message=text, code=str(code) if code else None),)
