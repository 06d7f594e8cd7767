"""Tests of `data.deadline`: what `--finish-by` takes, and which moment it means."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from batchwright.data.deadline import deadline
from batchwright.data.job import BatchJob

NOW = datetime(2026, 3, 28, 22, 0, tzinfo=UTC)
"""The evening before summer time begins in Berlin, where it is 23:00."""


def job(finish_by: Any) -> BatchJob:
    """Return a job with this deadline."""
    return BatchJob(
        input=Path("a.csv"),
        output="b.csv",
        model="gpt-5-mini",
        finish_by_seconds=finish_by,
    )


@pytest.mark.parametrize(
    ("given", "kept", "moment"),
    [
        ("6h", 21_600, "2026-03-29T04:00:00"),
        ("90m", 5400, "2026-03-28T23:30:00"),
        ("45s", 45, "2026-03-28T22:00:45"),
        ("1.5 h", 5400, "2026-03-28T23:30:00"),
        ("2d", 172_800, "2026-03-30T22:00:00"),
        ("0", 0, "2026-03-28T22:00:00"),
        (0, 0, "2026-03-28T22:00:00"),
        (3600.0, 3600, "2026-03-28T23:00:00"),
        ("07:30 Europe/Berlin", "07:30 Europe/Berlin", "2026-03-29T05:30:00"),
        ("7:30 Europe/Berlin", "7:30 Europe/Berlin", "2026-03-29T05:30:00"),
        ("23:00 Europe/Berlin", "23:00 Europe/Berlin", "2026-03-29T21:00:00"),
        ("23:00:01 Europe/Berlin", "23:00:01 Europe/Berlin", "2026-03-28T22:00:01"),
        ("07:30+01:00", "07:30+01:00", "2026-03-29T06:30:00"),
        ("22:30Z", "22:30Z", "2026-03-28T22:30:00"),
        ("21:30 UTC", "21:30 UTC", "2026-03-29T21:30:00"),
        # The clock skips this hour; any moment of the right night will do.
        ("02:30 Europe/Berlin", "02:30 Europe/Berlin", "2026-03-29T01:30:00"),
    ],
)
def test_a_deadline_is_a_duration_or_the_next_such_time(
    given: Any, kept: float | str, moment: str
) -> None:
    """Durations become seconds; a time of day is the next one in its zone."""
    found = job(given).finish_by_seconds
    assert found == kept
    assert BatchJob.model_validate_json(job(given).model_dump_json()) == job(given)
    assert deadline(kept, NOW).isoformat() == f"{moment}+00:00"


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("", "a duration such as 6h"),
        ("soon", "a duration such as 6h"),
        ("-1h", "a duration such as 6h"),
        ("07:30", "a duration such as 6h"),
        ("6 weeks", "a duration such as 6h"),
        (True, "a duration such as 6h"),
        ([6], "a duration such as 6h"),
        (-1, "between 0 and 366 days"),
        (float("nan"), "between 0 and 366 days"),
        ("9" * 400, "between 0 and 366 days"),
        ("400d", "between 0 and 366 days"),
        ("25:00 UTC", "no time of day 25:00"),
        ("07:75 UTC", "no time of day 07:75"),
        ("07:30 Europe/Atlantis", "no time zone 'Europe/Atlantis'"),
        ("07:30 ../../etc/passwd", "no time zone"),
        ("07:30+99:00", "no time zone '+99:00'"),
    ],
)
def test_no_other_deadline_is_taken(given: Any, said: str) -> None:
    """Each mistake is refused in one sentence that shows what there is."""
    with pytest.raises(ValidationError) as caught:
        job(given)
    (error,) = caught.value.errors()
    assert said in error["msg"]
    assert error["loc"] == ("finish_by_seconds",)


def test_no_deadline_is_the_default() -> None:
    """A job has no deadline unless it says so."""
    assert job(None).finish_by_seconds is None
