"""Runs one side, named `FILE:FUNCTION`, and prints what it used.

Also run by the interpreters of the peers, so it needs the standard library only.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import sys
import time
from pathlib import Path
from resource import RUSAGE_SELF, getrusage

__all__: list[str] = []


def _peak_mb() -> float:
    for line in Path("/proc/self/status").read_text(encoding="utf-8").splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    raise RuntimeError("no VmHWM: this needs Linux")


def main() -> None:
    """Import the side, then call it; only the call is measured."""
    side, *args = sys.argv[1:]
    file, _, name = side.partition(":")
    sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parent / "sides")]
    function = getattr(importlib.import_module(file), name)
    start_mb = _peak_mb()
    before, wall = getrusage(RUSAGE_SELF), time.monotonic()
    with contextlib.redirect_stdout(sys.stderr):  # a peer prints
        answer = function(*args)
    after = getrusage(RUSAGE_SELF)
    used = {
        "start_cpu_seconds": before.ru_utime + before.ru_stime,
        "user_seconds": after.ru_utime - before.ru_utime,
        "system_seconds": after.ru_stime - before.ru_stime,
        "wall_seconds": time.monotonic() - wall,
        "peak_mb": _peak_mb(),
        "start_mb": start_mb,
        "answer": answer or {},
    }
    print(json.dumps(used))


if __name__ == "__main__":
    main()
