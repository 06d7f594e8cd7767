"""The records around one creation; each is written once and never changed."""

from __future__ import annotations

from datetime import datetime

from pydantic import BaseModel, ConfigDict

__all__ = ["Account", "Intent"]


class Account(BaseModel):
    """Whose batches a key sees, as far as response headers show it."""

    model_config = ConfigDict(frozen=True)

    base_url: str
    organization: str | None = None
    project: str | None = None
    """OpenAI's project or Anthropic's workspace."""
    newest_batch_id: str | None = None
    """The newest batch at the time of looking; None where there was none."""


class Intent(BaseModel):
    """The claim to create one batch, on record before the create call is sent."""

    model_config = ConfigDict(frozen=True)

    token: str
    """Unique to this attempt; it travels in the batch's metadata where there is any."""
    claimed_at: datetime
    requests: int
    bytes: int
    digest: str
    """SHA-256 of the request file, hex."""
    endpoint: str
    account: Account
    model: str | None = None
    """What the requests ask, as a job names it; None where only they say it."""
    input_file_id: str | None = None
    """The uploaded request file (OpenAI); None where the body carries the requests."""
    reserved_usd: float | None = None
    """Upper bound of what this batch may cost; None without `max_cost_usd`."""
    metadata: dict[str, str] = {}
    """The user's own pairs for the batch."""
    completion_window: str | None = None
    """How long the batch may take, in the provider's words; None: its default."""
    custom_ids: tuple[str, ...] = ()
    """Of some of its requests: results with one of them prove whose a batch is. None
    in a run, whose nonce begins them all, and in claims of version 0.1."""
    realtime: bool = False
    """Whether its requests are asked one by one, and no batch is created."""
