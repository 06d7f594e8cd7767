"""The flows: a whole run, its retry, and the sweep that advances all open runs."""

from __future__ import annotations

from .advance import advance_runs
from .batch import resume_run, retry_run, run_batch
from .suspend import suspend_until_done

__all__ = [
    "advance_runs",
    "resume_run",
    "retry_run",
    "run_batch",
    "suspend_until_done",
]
