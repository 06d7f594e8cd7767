"""Reading what an API answered, without trust: any field may be missing or odd."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import httpx2
import orjson

__all__ = ["as_int", "as_mapping", "as_strings", "as_text", "as_time", "read_object"]


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
    """Return a text that says something."""
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
            time = datetime.fromisoformat(value)
            return time.astimezone(UTC) if time.tzinfo else time.replace(tzinfo=UTC)
    except (ValueError, OverflowError, OSError):
        pass
    return None
