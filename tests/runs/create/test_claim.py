"""Tests of `runs.create.claim`: nothing is sent under a claim that may be given up."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from batchwright.runs.create.claim import is_fresh

CLAIMED = datetime(2026, 11, 23, 6, tzinfo=UTC)


@pytest.mark.parametrize(
    ("seconds", "fresh"),
    [
        pytest.param(0, True, id="at once"),
        pytest.param(59.9, True, id="just in time"),
        pytest.param(60, False, id="after a sleep"),
        pytest.param(-0.000_001, True, id="clock set back a little"),
        pytest.param(-1, True, id="clock set back a second"),
        pytest.param(-1.1, False, id="another clock"),
    ],
)
def test_a_claim_holds_for_a_minute(
    seconds: float, *, fresh: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A clock that NTP sets back by a moment does not cost that minute."""
    monkeypatch.setenv("BATCHWRIGHT_SETTLE_SECONDS", "60")
    assert is_fresh(CLAIMED, CLAIMED + timedelta(seconds=seconds)) is fresh
