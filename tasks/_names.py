"""What runs and steps are called on Prefect's pages."""

from __future__ import annotations

from collections.abc import Callable

from prefect.runtime import task_run

__all__ = ["run_name", "step_name"]


def run_name(location: str) -> str:
    """Return the last part of a path or URL: what a person calls a run."""
    return location.rstrip("/").rpartition("/")[2]


def step_name(step: str) -> Callable[[], str]:
    """Return what names a step's task runs: `submit my-run/shards/00000`."""

    def name() -> str:
        given = task_run.parameters
        parts = [run_name(given["run_dir"]), given.get("unit")]
        return f"{step} {'/'.join(filter(None, parts))}"

    return name
