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
    """First pause between two looks at the provider; it grows from here."""

    max_poll_seconds: float = Field(default=300, gt=0, le=86_400)
    """Longest pause between two looks at the provider."""

    round_seconds: float = Field(default=10, ge=0, le=3600)
    """Pause before the first further round; it doubles with each."""

    retry_seconds: float = Field(default=1, gt=0, le=3600)
    """First pause after a call that failed for a passing reason; it grows."""

    patience_seconds: float = Field(default=21_600, ge=0, le=604_800)
    """How long a call is tried again before the run stops, still resumable."""

    settle_seconds: float = Field(default=60, gt=0, le=3600)
    """How long a batch may stay invisible after it was created.

    A creation without an answer is looked for at least this long before it is
    sent again. Less than 60 is for tests: it is what stands between a slow
    provider and a batch that is paid for twice.
    """

    http_timeout_seconds: float = Field(default=600, ge=1, le=3600)
    """How long one call may stay silent; also bounds a create call as a whole."""

    upload_expires_days: int = Field(default=30, ge=1, le=30)
    """After this the provider deletes an uploaded request file by itself."""


@cache
def get_settings() -> Settings:
    """Return the settings of this process."""
    return Settings()
