"""A batch as its provider reports it."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from pydantic import BaseModel, ConfigDict

__all__ = ["Batch", "BatchStatus", "LineError", "RequestCounts"]


class BatchStatus(StrEnum):
    """Where a batch stands; what became of each request is an `Outcome`."""

    IN_PROGRESS = "in_progress"
    CANCELLING = "cancelling"
    ENDED = "ended"
    """Completed, expired or cancelled: whatever ran can be downloaded."""
    FAILED = "failed"
    """The input was refused as a whole; nothing ran."""

    @property
    def is_final(self) -> bool:
        """Whether the provider is done with it."""
        return self in {BatchStatus.ENDED, BatchStatus.FAILED}


class RequestCounts(BaseModel):
    """Requests by state; None where the provider does not say.

    OpenAI counts while it runs and has no count of expired or cancelled ones;
    Anthropic leaves all but `processing` at 0 until the batch ended.
    """

    model_config = ConfigDict(frozen=True)

    total: int | None = None
    succeeded: int | None = None
    errored: int | None = None
    expired: int | None = None
    cancelled: int | None = None

    @property
    def done(self) -> int:
        """Requests that need no more work; 0 where nothing is known."""
        parts = (self.succeeded, self.errored, self.expired, self.cancelled)
        return sum(part or 0 for part in parts)


class LineError(BaseModel):
    """One reason why a request file was refused."""

    model_config = ConfigDict(frozen=True)

    message: str
    code: str | None = None
    param: str | None = None
    line: int | None = None
    """1-based line of the request file; None where the file as a whole is meant."""
    custom_id: str | None = None
    """Of the request in that line, where our own check could read it."""


class Batch(BaseModel):
    """One batch: the provider's job, billed from its creation."""

    model_config = ConfigDict(frozen=True)

    id: str
    provider: str
    status: BatchStatus
    provider_status: str
    """The provider's own word, also one that we do not know."""
    endpoint: str | None = None
    created_at: datetime | None = None
    ended_at: datetime | None = None
    expires_at: datetime | None = None
    counts: RequestCounts = RequestCounts()
    errors: tuple[LineError, ...] = ()
    metadata: dict[str, str] = {}
    input_file_id: str | None = None
    output_file_id: str | None = None
    error_file_id: str | None = None
    results_url: str | None = None
    archived_at: datetime | None = None
    """Set once Anthropic no longer keeps the results."""
