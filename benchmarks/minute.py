"""10. The first minute: a run of a few rows in the sandbox, on a server of its own."""

from __future__ import annotations

import os
import sqlite3
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from resource import RUSAGE_CHILDREN, getrusage

from _measure import Bench, Line

__all__ = ["measure"]

_ROWS = 12
_TIMES = 3
_SIDE = Path(__file__).parent / "sides" / "prefects_server.py"
_CPU_SECONDS, _WALL_SECONDS = 6.4, 10.2
"""60 % of what the command took while Prefect started its server: 10.7 and 17 s."""


def measure(bench: Bench) -> Iterator[Line]:
    """Yield the lines of this benchmark."""
    home = bench.new_folder()
    rows = bench.folder / "few.csv"
    rows.write_text("text\n" + "".join(f"row {n}\n" for n in range(_ROWS)), "utf-8")
    job = [str(rows), "--model", "gpt-5-mini", "--prompt", "Say {{ text }}"]
    command = [sys.executable, "-m", "batchwright", "run", *job, "--sandbox"]
    environment = {**os.environ, "PREFECT_HOME": str(home)}
    environment.pop("PREFECT_API_URL", None)
    sides = {
        "ours": [*command, "--output", "out.csv"],
        "other": [sys.executable, str(_SIDE), str(rows)],
    }
    cpu: dict[str, list[float]] = {name: [] for name in sides}
    wall: dict[str, list[float]] = {name: [] for name in sides}
    _run(sides["ours"], environment, bench.new_folder())  # makes Prefect's database
    for _ in range(_TIMES):
        for name, side in sides.items():
            used = _run(side, environment, bench.new_folder())
            cpu[name].append(used[0])
            wall[name].append(used[1])
    with closing(sqlite3.connect(home / "prefect.db")) as database:
        ended = database.execute("SELECT state_type FROM flow_run").fetchall()
    is_known = ended == [("COMPLETED",)] * (2 * _TIMES + 1)
    for what, taken, limit in (
        ("CPU time of the command and Prefect's server", cpu, _CPU_SECONDS),
        ("wall time", wall, _WALL_SECONDS),
    ):
        ours, other = (statistics.median(taken[name]) for name in sides)
        yield Line(
            item=10,
            what=f"`run --sandbox`, {_ROWS} rows, {what}; the same flow alone, in a"
            " process where Prefect starts its own server",
            ours=_text(taken["ours"]),
            other=_text(taken["other"]),
            ratio=f"{ours / other:.2f} times",
            target=f"<= {limit} s",
            ok=ours <= limit and is_known,
        )


def _run(
    command: Sequence[str], environment: Mapping[str, str], folder: Path
) -> tuple[float, float]:
    """Return CPU seconds of the command and its children, and wall seconds."""
    before, started = getrusage(RUSAGE_CHILDREN), time.monotonic()
    subprocess.run(
        command, env=environment, cwd=folder, check=True, capture_output=True
    )
    seconds = time.monotonic() - started
    after = getrusage(RUSAGE_CHILDREN)
    user = after.ru_utime - before.ru_utime
    return user + after.ru_stime - before.ru_stime, seconds


def _text(seconds: Sequence[float]) -> str:
    low, middle, high = min(seconds), statistics.median(seconds), max(seconds)
    return f"{middle:.1f} s ({low:.1f}-{high:.1f})"
