"""The first rows go alone; the rest only if enough of them succeed."""

from __future__ import annotations

from .state import Run, RunState

__all__ = ["check_canary"]


def check_canary(run: Run, state: RunState) -> None:
    """Stop the run when too few of its first rows succeeded.

    Raises:
        CanaryError: With the errors grouped and counted; nothing more was sent.
    """
