"""The watch itself: it reports what no command may do."""

from __future__ import annotations

import pytest

from .conftest import BrokenError, Watched


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ("swell", r"grow by \d+ MB"),
        pytest.param("hang", "took too long", marks=pytest.mark.long),
    ],
)
def test_what_hangs_or_swells_is_reported(
    watched: Watched, how: str, said: str
) -> None:
    """It is not waited for, and the next command runs in a new process."""
    with pytest.raises(BrokenError, match=said):
        watched("@break", how)
    watched("runs")


def test_a_traceback_is_reported(watched: Watched) -> None:
    """An exception that no command turned into a sentence fails the test."""
    with pytest.raises(AssertionError, match="KeyError: 'raise'"):
        watched("@break", "raise")
