"""Reads the answers of an API; any field may be missing or of another type."""

from __future__ import annotations

import email.utils
import logging
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from typing import Any

import httpx2
import orjson

from ...models import BatchStatus

__all__ = [
    "as_int",
    "as_mapping",
    "as_status",
    "as_strings",
    "as_text",
    "as_time",
    "read_object",
    "retry_after_seconds",
]

_logger = logging.getLogger(__name__)


def read_object(response: httpx2.Response) -> dict[str, Any] | None:
    """Return the JSON object of an answer; None if it is anything else."""
    try:
        body = orjson.loads(response.content)
    except orjson.JSONDecodeError:
        return None
    return body if isinstance(body, dict) else None


def as_mapping(value: object) -> Mapping[str, Any]:
    """Return an object's members; none if it is not an object."""
    return value if isinstance(value, dict) else {}


def as_strings(value: object) -> dict[str, str]:
    """Return an object's members as text, without those that are null."""
    pairs = as_mapping(value).items()
    return {key: str(item) for key, item in pairs if item is not None}


def as_text(value: object) -> str | None:
    """Return a text that is not blank."""
    return value if isinstance(value, str) and value.strip() else None


def as_int(value: object) -> int | None:
    """Return a whole number."""
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def as_time(value: object) -> datetime | None:
    """Return a point in time from Unix seconds or ISO 8601, which is UTC by default."""
    try:
        if isinstance(value, int | float) and not isinstance(value, bool):
            return datetime.fromtimestamp(value, UTC)
        if isinstance(value, str):
            moment = datetime.fromisoformat(value)
            return (
                moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
            )
    except (ValueError, OverflowError, OSError):
        pass
    return None


def as_status(word: str, statuses: Mapping[str, BatchStatus]) -> BatchStatus:
    """Return our status; an unknown word counts as in progress, with a warning."""
    status = statuses.get(word.strip().lower().replace(" ", "_"))
    if status is None:
        _warn_once(word)
        return BatchStatus.IN_PROGRESS
    return status


@cache
def _warn_once(word: str) -> None:
    _logger.warning("Unknown batch status %r is taken for in progress.", word)


def retry_after_seconds(headers: Mapping[str, str]) -> float | None:
    """Return how long an answer asks to wait: milliseconds, seconds or a date."""
    for name, divisor in (("retry-after-ms", 1000), ("retry-after", 1)):
        value = headers.get(name, "")
        try:
            seconds = float(value) / divisor
        except ValueError:
            date = email.utils.parsedate_tz(value)
            seconds = email.utils.mktime_tz(date) - time.time() if date else 0
        if 0 < seconds < float("inf"):
            return seconds
    return None
