"""LLM batch jobs as durable pipelines: a table goes in, a typed table comes out.

Importing this package is cheap: each name is loaded when it is first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .data.job import BatchJob
    from .errors import BatchwrightError
    from .flows import advance_runs, retry_run, run_batch
    from .models import Answer, Outcome, RunReport
    from .runs.in_memory import open_run, run, submit
    from .runs.table_run import TableRun

__all__ = [
    "Answer",
    "BatchJob",
    "BatchwrightError",
    "Outcome",
    "RunReport",
    "TableRun",
    "advance_runs",
    "open_run",
    "retry_run",
    "run",
    "run_batch",
    "submit",
]

_HOMES = {
    "Answer": ".models",
    "BatchJob": ".data.job",
    "BatchwrightError": ".errors",
    "Outcome": ".models",
    "RunReport": ".models",
    "TableRun": ".runs.table_run",
    "advance_runs": ".flows",
    "open_run": ".runs.in_memory",
    "retry_run": ".flows",
    "run": ".runs.in_memory",
    "run_batch": ".flows",
    "submit": ".runs.in_memory",
}


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from importlib.metadata import version  # noqa: PLC0415 - rarely asked for

        return version("batchwright")
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(home, __name__), name)
