"""How many steps of a flow run at the same time."""

from __future__ import annotations

from typing import Any, cast

from prefect.futures import PrefectFuture
from prefect.task_runners import TaskRunner, ThreadPoolTaskRunner

__all__ = ["RUNNER"]

# Enough to fill a line, few enough for a small machine.
RUNNER = cast(
    # Prefect declares its own runners more narrowly than its flows take them.
    "TaskRunner[PrefectFuture[Any]]",
    ThreadPoolTaskRunner(max_workers=4),
)
"""`run_batch.with_options(task_runner=...)` takes another, on other machines too."""
