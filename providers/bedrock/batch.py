"""Converts a job of Bedrock's to a `Batch`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...models import Batch, BatchStatus, LineError, RequestCounts
from ..http.wire import as_int, as_mapping, as_status, as_text, as_time
from .record import CONVERSE, INVOKE

__all__ = ["MANIFEST", "OUTPUT", "job_id_of", "read_job"]

OUTPUT, MANIFEST = ".jsonl.out", "manifest.json.out"
"""How the names of a job's files end; the second one counts its records."""

_STATUSES = {
    "submitted": BatchStatus.IN_PROGRESS,
    "validating": BatchStatus.IN_PROGRESS,
    "scheduled": BatchStatus.IN_PROGRESS,
    "inprogress": BatchStatus.IN_PROGRESS,
    "stopping": BatchStatus.CANCELLING,
    "completed": BatchStatus.ENDED,
    "partiallycompleted": BatchStatus.ENDED,
    "stopped": BatchStatus.ENDED,
    "expired": BatchStatus.ENDED,
    "failed": BatchStatus.FAILED,
}
_TYPES = {"Converse": CONVERSE, "InvokeModel": INVOKE}


def job_id_of(arn: object) -> str | None:
    """Return the last part of a job's ARN, by which all calls take it as well."""
    return (as_text(arn) or "").rpartition("/")[2] or None


def read_job(body: Mapping[str, Any], provider: str) -> Batch:
    """Return the batch that a job is; only its ID must be there."""
    word = as_text(body.get("status")) or "no status"
    status = as_status(word, _STATUSES)
    counts = RequestCounts(
        total=as_int(body.get("totalRecordCount")),
        succeeded=as_int(body.get("successRecordCount")),
        errored=as_int(body.get("errorRecordCount")),
    )
    if status is BatchStatus.FAILED and counts.done:
        status = BatchStatus.ENDED  # what ran before has results
    message = as_text(body.get("message"))
    metadata = {
        name: text
        for name in ("clientRequestToken", "jobName")
        if (text := as_text(body.get(name)))
    }
    target = _uri(body, "output")
    return Batch(
        id=body["id"],
        provider=provider,
        status=status,
        provider_status=word,
        endpoint=_TYPES.get(as_text(body.get("modelInvocationType")) or "InvokeModel"),
        created_at=as_time(body.get("submitTime")),
        ended_at=as_time(body.get("endTime")),
        expires_at=as_time(body.get("jobExpirationTime")),
        counts=counts,
        errors=(LineError(message=message),) if message else (),
        metadata=metadata,
        input_file_id=_uri(body, "input"),
        results_url=target and f"{target.rstrip('/')}/{body['id']}/",
    )


def _uri(body: Mapping[str, Any], side: str) -> str | None:
    config = as_mapping(body.get(f"{side}DataConfig"))
    return as_text(as_mapping(config.get(f"s3{side.title()}DataConfig")).get("s3Uri"))
