"""`BATCHWRIGHT_*`: what belongs to the machine and not to a job."""

from __future__ import annotations

from functools import cache

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

__all__ = ["Settings", "get_settings"]


class Settings(BaseSettings):
    """Read once per process from the environment; the CLI's `doctor` shows it."""

    model_config = SettingsConfigDict(env_prefix="BATCHWRIGHT_", frozen=True)

    runs_dir: str = "batchwright-runs"
    """Where run directories are made: a folder or an fsspec URL (`s3://...`)."""

    poll_seconds: float = Field(default=2, gt=0, le=3600)
    """First pause between two status checks; each further pause is longer."""

    max_poll_seconds: float = Field(default=300, gt=0, le=86_400)
    """Longest pause between two status checks."""

    round_seconds: float = Field(default=10, ge=0, le=3600)
    """Pause before the first further round; it doubles with each."""

    retry_seconds: float = Field(default=1, gt=0, le=3600)
    """First pause after a call that failed for a temporary reason; it grows."""

    patience_seconds: float = Field(default=21_600, ge=0, le=604_800)
    """How long a failing call is repeated before the run stops; it can be resumed."""

    settle_seconds: float = Field(default=60, gt=0, le=3600)
    """How long a batch may stay invisible after it was created.

    After a create call without a response, the batch is looked for at least this long
    before the call is repeated. Use less than 60 in tests only: a provider that lists a
    new batch later than this would be paid for two batches.
    """

    absence_seconds: float = Field(default=21_600, ge=0, le=604_800)
    """How long results that the provider does not show are looked for.

    After that their rows are `missing`; a later `resume` looks again. Results that are
    older than the provider keeps them are looked for over `settle_seconds` only.
    """

    http_timeout_seconds: float = Field(default=600, ge=1, le=3600)
    """How long one call may stay without any data; a create call may take as long in
    all."""

    upload_expires_days: int = Field(default=30, ge=1, le=30)
    """After this the provider deletes an uploaded request file."""


@cache
def get_settings() -> Settings:
    """Return the settings of this process."""
    return Settings()
