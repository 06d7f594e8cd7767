"""Mistral's batch jobs. Files and calls are as at OpenAI, so its SDK makes them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx2

from ...models import Batch, BatchStatus, Intent, RequestCounts
from ..base import Progress
from ..http.client import create_budget
from ..http.wire import (
    as_int,
    as_status,
    as_strings,
    as_text,
    as_time,
    read_object,
)
from ..openai.batch import read_errors
from ..openai.client import OpenAIProvider, model_of

__all__ = ["MistralProvider", "read_job"]

_JOBS = "/batch/jobs"
_STATUSES = {
    "queued": BatchStatus.IN_PROGRESS,
    "running": BatchStatus.IN_PROGRESS,
    "cancellation_requested": BatchStatus.CANCELLING,
    "success": BatchStatus.ENDED,
    "timeout_exceeded": BatchStatus.ENDED,
    "cancelled": BatchStatus.ENDED,
    "failed": BatchStatus.FAILED,
}


class MistralProvider(OpenAIProvider):
    """Batch jobs of one Mistral workspace; the token is in a job's metadata."""

    _organization_header = _project_header = ""

    def create(
        self, requests_path: Path, intent: Intent, progress: Progress | None = None
    ) -> Batch:
        """Create the job of an uploaded file. Not idempotent."""
        file_id = intent.input_file_id or self.upload(requests_path, progress)
        limits, _ = create_budget()
        window = intent.completion_window or self.vendor.completion_windows[0]
        job = {
            "input_files": [file_id],
            "endpoint": intent.endpoint,
            "model": model_of(requests_path),
            "metadata": {**intent.metadata, self.vendor.token_name: intent.token},
            "timeout_hours": self.vendor.hours_of(window),
        }
        with self._failures.creating():
            answer = self._client.post(
                _JOBS,
                cast_to=httpx2.Response,
                body=job,
                options={"max_retries": 0, "timeout": limits},
            )
        return self._read(self._failures.created(answer))

    def _read(self, body: Mapping[str, Any]) -> Batch:
        return read_job(body, self.name)

    def _list(self, after: str | None, limit: int) -> httpx2.Response:
        # Metadata is compared here: how the API filters by it is not documented.
        query = {"page": after or "0", "page_size": limit, "order_by": "-created"}
        return self._client.get(
            _JOBS, cast_to=httpx2.Response, options={"params": query}
        )

    def _page_of(self, response: httpx2.Response) -> dict[str, Any]:
        """Return a page with the number of the next one, if there are more jobs."""
        found = read_object(response) or {}
        if found.get("total") == 0:
            return {"data": [], "has_more": False}
        page = super()._page_of(response)
        query = response.request.url.params
        number, size = int(query["page"]), int(query["page_size"])
        total = as_int(page.get("total"))
        is_last = not page["data"] if total is None else (number + 1) * size >= total
        following = None if is_last else str(number + 1)
        return {"data": page["data"], "paging": {"next_cursor": following}}

    def _retrieve(self, batch_id: str) -> httpx2.Response:
        return self._client.get(_path(batch_id), cast_to=httpx2.Response)

    def _cancel(self, batch_id: str) -> httpx2.Response:
        return self._client.post(f"{_path(batch_id)}/cancel", cast_to=httpx2.Response)


def _path(batch_id: str) -> str:
    return f"{_JOBS}/{quote(batch_id, safe='')}"


def read_job(body: Mapping[str, Any], provider: str) -> Batch:
    """Return the batch that a job is; only its ID must be there."""
    word = as_text(body.get("status")) or "no status"
    status = as_status(word, _STATUSES)
    inputs = body.get("input_files")
    output, errors = as_text(body.get("output_file")), as_text(body.get("error_file"))
    if status is BatchStatus.FAILED and (output or errors):
        status = BatchStatus.ENDED  # some of it ran
    return Batch(
        id=body["id"],
        provider=provider,
        status=status,
        provider_status=word,
        endpoint=as_text(body.get("endpoint")),
        created_at=as_time(body.get("created_at")),
        ended_at=as_time(body.get("completed_at")),
        counts=RequestCounts(
            total=as_int(body.get("total_requests")),
            succeeded=as_int(body.get("succeeded_requests")),
            errored=as_int(body.get("failed_requests")),
        ),
        errors=tuple(read_errors(body.get("errors"))),
        metadata=as_strings(body.get("metadata")),
        input_file_id=as_text(inputs[0])
        if isinstance(inputs, list) and inputs
        else None,
        output_file_id=output,
        error_file_id=errors,
    )
