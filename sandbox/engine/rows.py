"""The rows of the sandbox's tables."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["BatchRow", "FileRow", "PartRow", "UploadRow"]


@dataclass(frozen=True)
class FileRow:
    """One file of an account (OpenAI)."""

    id: str
    account: str
    purpose: str
    filename: str
    bytes: int
    created_at: float
    expires_at: float | None = None


@dataclass(frozen=True)
class UploadRow:
    """A file that arrives in parts (OpenAI)."""

    id: str
    account: str
    filename: str
    purpose: str
    bytes: int
    created_at: float
    status: str = "pending"
    expires_after_seconds: int | None = None
    file_id: str | None = None


@dataclass(frozen=True)
class PartRow:
    """One part of an upload."""

    id: str
    upload_id: str
    bytes: int
    created_at: float


@dataclass(frozen=True)
class BatchRow:
    """One batch of either provider; what it looks like now is its `Timeline`."""

    id: str
    provider: str
    account: str
    created_at: float
    plan: str
    """The `Plan` as JSON: what happens to it was settled when it was created."""
    input_file_id: str | None = None
    endpoint: str | None = None
    metadata: str | None = None
    """JSON, as given."""
    output_seconds: int | None = None
    """How long its result files are kept."""
    total: int = 0
    tokens: int = 0
    model: str | None = None
    first_custom_id: str | None = None
    validated: bool = False
    errors: str | None = None
    """JSON list; set where the input was refused."""
    ready: bool = False
    """Whether the results are written; they show once its time has come."""
    succeeded: int = 0
    errored: int = 0
    expired: int = 0
    cancelled: int = 0
    usage: str | None = None
    output_file_id: str | None = None
    error_file_id: str | None = None
    cancel_at: float | None = None
    cancel_ran: int = 0
    """Requests that had run when it was asked to stop."""
    seq: int = 0
    """Grows with every batch; lists are ordered by it."""
