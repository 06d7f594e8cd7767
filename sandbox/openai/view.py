"""A batch in the form of OpenAI's API."""

from __future__ import annotations

from typing import Any

import orjson

from ..engine.backend import Backend
from ..engine.rows import BatchRow
from ..engine.timeline import Moment, plan_of
from ..http.api import apply_batch_fault

__all__ = ["batch_object"]


def batch_object(backend: Backend, row: BatchRow) -> dict[str, Any]:
    """Return a batch as it is now, with its faults."""
    moment = backend.moment(row)
    effects = plan_of(row).effects
    state, end = moment.state, _second(moment.ended_at)
    has_results = moment.is_final and state != "failed"
    tokens_in, tokens_out = orjson.loads(row.usage or "[0,0]")
    if not has_results:
        tokens_in = tokens_out = 0
    errors = None
    if state == "failed":
        errors = {"object": "list", "data": orjson.loads(row.errors or "[]")}
    cancelling_at = row.cancel_at
    if state == "cancelled":  # by a fault, if nobody asked for it
        cancelling_at = cancelling_at or moment.ended_at
    batch: dict[str, Any] = {
        "id": row.id,
        "object": "batch",
        "endpoint": row.endpoint,
        "model": row.model,
        "errors": errors,
        "input_file_id": row.input_file_id,
        "completion_window": "24h",
        "status": state if moment.is_final else (effects.status or state),
        "output_file_id": row.output_file_id if has_results else None,
        "error_file_id": row.error_file_id if has_results else None,
        "created_at": int(row.created_at),
        "in_progress_at": _second(moment.in_progress_at),
        "expires_at": int(moment.expires_at),
        "finalizing_at": _second(moment.finalizing_at),
        "completed_at": end if state == "completed" else None,
        "failed_at": end if state == "failed" else None,
        "expired_at": end if state == "expired" else None,
        "cancelling_at": _second(cancelling_at),
        "cancelled_at": end if state == "cancelled" else None,
        "request_counts": _counts(backend, row, moment),
        "usage": {
            "input_tokens": tokens_in,
            "input_tokens_details": {"cached_tokens": 0},
            "output_tokens": tokens_out,
            "output_tokens_details": {"reasoning_tokens": 0},
            "total_tokens": tokens_in + tokens_out,
        },
        "metadata": orjson.loads(row.metadata or "null"),
    }
    apply_batch_fault(batch, effects)
    if effects.metadata == "null":
        batch["metadata"] = None
    elif effects.metadata == "missing":
        del batch["metadata"]
    if has_results and effects.error_file and row.error_file_id is None:
        batch["error_file_id"] = ""
        if effects.error_file == "missing":
            del batch["error_file_id"]
    return batch


def _counts(backend: Backend, row: BatchRow, moment: Moment) -> dict[str, int]:
    """Return how many requests have succeeded and failed so far."""
    total, completed, failed = row.total, row.succeeded, row.errored
    if moment.state in {"validating", "failed"} or row.errors is not None:
        total = completed = failed = 0
    elif not moment.is_final:
        completed = int(completed * moment.fraction)
        failed = int(failed * moment.fraction)
        if not row.ready:
            answered = backend.worker.done(row.id)
            completed = min(answered, int(row.total * moment.fraction))
            failed = 0
    return {"total": total, "completed": completed, "failed": failed}


def _second(moment: float | None) -> int | None:
    return None if moment is None else int(moment)
