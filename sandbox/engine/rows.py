"""The rows of the sandbox's tables."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["BatchRow", "FileRow"]


@dataclass(frozen=True)
class FileRow:
    """One file of an account."""

    id: str
    account: str
    purpose: str
    filename: str
    bytes: int
    created_at: float
    expires_at: float | None = None
    seq: int = 0
    """Grows with every file; lists are ordered by it."""


@dataclass(frozen=True)
class BatchRow:
    """One batch of any vendor; `timeline` says which state it is in."""

    id: str
    provider: str
    account: str
    created_at: float
    plan: str
    """The `Plan` as JSON, settled when the batch is created."""
    input_file_id: str | None = None
    """The file with the requests; None: the file named after the batch."""
    endpoint: str | None = None
    metadata: str | None = None
    """JSON, as given."""
    output_seconds: int | None = None
    """How long result files are kept."""
    total: int = 0
    tokens: int = 0
    model: str | None = None
    first_custom_id: str | None = None
    validated: bool = False
    errors: str | None = None
    """JSON list, if the input was refused."""
    ready: bool = False
    """Whether the results are written; they are shown when the batch ends."""
    succeeded: int = 0
    errored: int = 0
    expired: int = 0
    cancelled: int = 0
    usage: str | None = None
    output_file_id: str | None = None
    error_file_id: str | None = None
    cancel_at: float | None = None
    cancel_ran: int = 0
    """Requests that had run when the batch was cancelled."""
    seq: int = 0
    """Grows with every batch; lists are ordered by it."""
