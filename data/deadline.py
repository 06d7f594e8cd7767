"""The time by which a run has to finish: a duration, or a time of day in a zone."""

from __future__ import annotations

import math
import re
from datetime import UTC, datetime, time, timedelta, tzinfo
from zoneinfo import ZoneInfo

from pydantic_core import PydanticCustomError

__all__ = ["deadline", "known_deadline"]

_SECONDS = {"d": 86_400, "h": 3600, "m": 60, "s": 1, "": 1}
_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*([dhms]?)")
_TIME = re.compile(r"(\d{1,2}:\d{2}(?::\d{2})?)\s*(\S+)")
_OFFSET = re.compile(r"[+-]\d{2}:\d{2}|Z")
_LONGEST_SECONDS = 366 * 86_400
_FORMS = "such as 6h, 90m, 45s or 0, or a time of day with its zone, such as"
_FORMS += " `07:30 Europe/Berlin` or `07:30+01:00`"


def known_deadline(given: object) -> float | str | None:
    """Return seconds for a duration, and a time of day as it was given.

    Raises:
        PydanticCustomError: It is neither.
    """
    if given is None:
        return None
    if isinstance(given, str):
        text = given.strip()
        if found := _DURATION.fullmatch(text):
            return _checked(float(found[1]) * _SECONDS[found[2]])
        if _TIME.fullmatch(text):
            _time_of_day(text)
            return text
    elif isinstance(given, int | float) and not isinstance(given, bool):
        return _checked(float(given))
    raise _refused(f"It must be a duration {_FORMS}")


def deadline(finish_by: float | str, now: datetime) -> datetime:
    """Return the moment in UTC: of a time of day the next one after `now`."""
    if not isinstance(finish_by, str):
        return now + timedelta(seconds=finish_by)
    clock, zone = _time_of_day(finish_by)
    today = now.astimezone(zone).date()
    moments = (
        datetime.combine(today + timedelta(days=days), clock, zone).astimezone(UTC)
        for days in range(3)
    )
    return next(moment for moment in moments if moment > now)


def _checked(seconds: float) -> float:
    if not (math.isfinite(seconds) and 0 <= seconds <= _LONGEST_SECONDS):
        raise _refused("It must be between 0 and 366 days")
    return seconds


def _time_of_day(text: str) -> tuple[time, tzinfo]:
    found = _TIME.fullmatch(text)
    if found is None:
        raise _refused(f"It must be a time of day {_FORMS}")
    clock, zone = found.groups()
    try:
        moment = time.fromisoformat(clock if clock[1] != ":" else f"0{clock}")
    except ValueError:
        raise _refused(f"There is no time of day {clock}") from None
    try:
        if _OFFSET.fullmatch(zone):
            offset = datetime.fromisoformat(f"2000-01-01T00:00{zone}").tzinfo
            return moment, offset or UTC
        return moment, ZoneInfo(zone)
    except (ValueError, OSError, KeyError):
        raise _refused(
            f"There is no time zone {zone!r}; name one such as Europe/Berlin or UTC"
        ) from None


def _refused(why: str) -> PydanticCustomError:
    return PydanticCustomError("deadline", "{why}.", {"why": why})
