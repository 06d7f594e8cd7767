"""A whole run as the Prefect flow, with the server that Prefect starts for it."""

from __future__ import annotations

import os
from pathlib import Path

from whole_runs import make_job

from batchwright.flows import run_batch

__all__ = ["flow"]


def flow(source: str, folder: str, per_batch: str) -> dict[str, object]:
    """Run a job; says what Prefect's server took, which is a process of its own."""
    report = run_batch(make_job(source, folder, per_batch), f"{folder}/run")
    return {
        "rows": report.rows,
        "batches": len(report.batches),
        "server_seconds": _children_cpu_seconds(),
    }


def _children_cpu_seconds() -> float:
    ticks = 0
    for tasks in Path("/proc/self/task").iterdir():
        for child in (tasks / "children").read_text(encoding="utf-8").split():
            stat = Path("/proc", child, "stat").read_text(encoding="utf-8")
            fields = stat.rpartition(")")[2].split()
            ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")
