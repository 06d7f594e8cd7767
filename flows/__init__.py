"""The flows: a whole run, its retry, and the sweep that advances all open runs.

Each name is loaded when it is first used: `flows.server` needs no Prefect.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .advance import advance_runs
    from .batch import resume_run, retry_run, run_batch
    from .suspend import suspend_until_done

__all__ = ["advance_runs", "resume_run", "retry_run", "run_batch", "suspend_until_done"]

_HOMES = {
    "advance_runs": ".advance",
    "resume_run": ".batch",
    "retry_run": ".batch",
    "run_batch": ".batch",
    "suspend_until_done": ".suspend",
}


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(home, __name__), name)
