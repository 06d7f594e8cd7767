"""A table in memory: kept, made into requests, and read back."""

from __future__ import annotations

from pathlib import Path
from resource import RUSAGE_SELF, getrusage

import pyarrow as pa
from _data import texts
from ours import generate

from batchwright.data.rows.memory import write_rows
from batchwright.data.tables.returned import read_table

__all__ = ["table"]


def table(rows: str, folder: str) -> dict[str, float]:
    """Say how much memory each step takes beside the table, or the two tables."""
    given = pa.table({"id": range(int(rows)), "text": pa.array(texts(int(rows)))})
    kept = Path(folder) / "input.parquet"
    before_mb, used = _reset(), getrusage(RUSAGE_SELF)
    write_rows(given, kept)
    generate(str(kept), folder)
    sent_mb, spent = _peak("VmHWM") - before_mb, getrusage(RUSAGE_SELF)
    before_mb = _reset()
    back = read_table(kept, kept)
    read_mb = _peak("VmHWM") - before_mb - back.nbytes / (1 << 20)
    return {
        "table_mb": given.nbytes / (1 << 20),
        "sent_mb": sent_mb,
        "read_mb": read_mb,
        "cpu_seconds": spent.ru_utime + spent.ru_stime - used.ru_utime - used.ru_stime,
    }


def _reset() -> float:
    """Forget the peak so far; returns what is in use, in MB."""
    pa.default_memory_pool().release_unused()
    Path("/proc/self/clear_refs").write_text("5", encoding="utf-8")
    return _peak("VmRSS")


def _peak(name: str) -> float:
    for line in Path("/proc/self/status").read_text(encoding="utf-8").splitlines():
        if line.startswith(name):
            return int(line.split()[1]) / 1024
    raise RuntimeError("this needs Linux")
