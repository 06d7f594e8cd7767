"""When an answer asks to be waited for, and when the SDKs shall not wait."""

from __future__ import annotations

import email.utils
import time
from collections.abc import Mapping

import httpx2

__all__ = ["no_futile_retry", "retry_after_seconds"]

_FUTILE = {httpx2.codes.CONFLICT, httpx2.codes.INSUFFICIENT_STORAGE}
_LONGEST_SLEEP_SECONDS = 120


def no_futile_retry(response: httpx2.Response) -> None:
    """Tell the SDK not to retry what cannot help: an httpx2 response hook.

    Of a conflict, a full disk, and of a wish to wait longer than one call may hang: the
    Anthropic SDK would sleep for any time that an answer asks for.
    """
    wait_seconds = retry_after_seconds(response.headers) or 0
    if response.status_code in _FUTILE or wait_seconds > _LONGEST_SLEEP_SECONDS:
        response.headers["x-should-retry"] = "false"


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
