"""The names of runs and task runs on Prefect's pages."""

from __future__ import annotations

from collections.abc import Callable

from prefect.runtime import task_run

from ..errors import visible_line

__all__ = ["run_name", "step_name"]


def run_name(location: str) -> str:
    """Return the last part of a path or URL."""
    return visible_line(location.rstrip("/").rpartition("/")[2])


def step_name(kind: str = "") -> Callable[[], str]:
    """Return a function that names a task run: `submit my-run/shards/00000`.

    Without `kind`, the task's parameter of that name says it.
    """

    def name() -> str:
        given = task_run.parameters
        parts = [run_name(given["run_dir"]), given.get("shard")]
        return f"{kind or given['kind']} {'/'.join(filter(None, parts))}"

    return name
