"""How OpenAI's API shows a batch."""

from __future__ import annotations

from typing import Any

import orjson

from ..engine.backend import Backend
from ..engine.rows import BatchRow
from ..engine.timeline import plan_of

__all__ = ["batch_object"]


def batch_object(backend: Backend, row: BatchRow) -> dict[str, Any]:
    """Return a batch as it looks now, its faults included."""
    moment = backend.moment(row)
    effects = plan_of(row).effects
    state, end = moment.state, _second(moment.ended_at)
    shown = moment.is_final and state != "failed"
    good, bad = _counts(backend, row)
    counts: dict[str, Any] | None = {"total": 0, "completed": 0, "failed": 0}
    if state not in {"validating", "failed"} and row.errors is None:
        counts = {"total": row.total, "completed": good, "failed": bad}
    counts = {
        "null": None,
        "zero": {"total": 0, "completed": 0, "failed": 0},
        "null_members": {"total": None, "completed": None, "failed": None},
    }.get(effects.counts or "", counts)
    tokens_in, tokens_out = orjson.loads(row.usage or "[0,0]") if shown else (0, 0)
    errors = None
    if state == "failed":
        errors = {"object": "list", "data": orjson.loads(row.errors or "[]")}
    cancelled = row.cancel_at is not None or state == "cancelled"
    batch: dict[str, Any] = {
        "id": row.id,
        "object": "batch",
        "endpoint": row.endpoint,
        "model": row.model,
        "errors": errors,
        "input_file_id": row.input_file_id,
        "completion_window": "24h",
        "status": state if moment.is_final else (effects.status or state),
        "output_file_id": row.output_file_id if shown else None,
        "error_file_id": row.error_file_id if shown else None,
        "created_at": int(row.created_at),
        "in_progress_at": _second(moment.in_progress_at),
        "expires_at": None if effects.expires_at else int(moment.expires_at),
        "finalizing_at": _second(moment.finalizing_at),
        "completed_at": end if state == "completed" else None,
        "failed_at": end if state == "failed" else None,
        "expired_at": end if state == "expired" else None,
        "cancelling_at": _second(row.cancel_at or moment.ended_at)
        if cancelled
        else None,
        "cancelled_at": end if state == "cancelled" else None,
        "request_counts": counts,
        "usage": {
            "input_tokens": tokens_in,
            "input_tokens_details": {"cached_tokens": 0},
            "output_tokens": tokens_out,
            "output_tokens_details": {"reasoning_tokens": 0},
            "total_tokens": tokens_in + tokens_out,
        },
        "metadata": orjson.loads(row.metadata or "null"),
    }
    if effects.counts == "missing":
        del batch["request_counts"]
    if effects.metadata == "null":
        batch["metadata"] = None
    elif effects.metadata == "missing":
        del batch["metadata"]
    if shown and batch["error_file_id"] is None:
        if effects.error_file == "empty_string":
            batch["error_file_id"] = ""
        elif effects.error_file == "missing":
            del batch["error_file_id"]
    return batch


def _counts(backend: Backend, row: BatchRow) -> tuple[int, int]:
    """Return how many requests succeeded and failed so far."""
    moment = backend.moment(row)
    if moment.is_final:
        return row.succeeded, row.errored
    if row.ready and row.total:
        ran = moment.fraction
        return int(row.succeeded * ran), int(row.errored * ran)
    return min(backend.worker.done(row.id), int(row.total * moment.fraction)), 0


def _second(moment: float | None) -> int | None:
    return None if moment is None else int(moment)
