"""Measures one side of a benchmark in a process of its own."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

__all__ = ["Bench", "Line", "Sample", "interleave", "median", "run", "spread"]

_HERE = Path(__file__).parent
_LONGEST_SECONDS = 600


@dataclass(frozen=True, kw_only=True)
class Sample:
    """What one process used, its imports left out."""

    user_seconds: float
    system_seconds: float
    start_cpu_seconds: float
    """Of the interpreter and the imports, before the work."""
    wall_seconds: float
    peak_mb: float
    """High-water mark of the process."""
    start_mb: float
    """The same mark after the imports, before the work."""
    answer: dict[str, Any]
    """What the side returned."""

    @property
    def cpu_seconds(self) -> float:
        """Of the process and of the system for it."""
        return self.user_seconds + self.system_seconds

    @property
    def grown_mb(self) -> float:
        """What the work took above the interpreter and its imports."""
        return self.peak_mb - self.start_mb


@dataclass(frozen=True, kw_only=True)
class Line:
    """One line of the table."""

    item: int
    what: str
    ours: str
    other: str = ""
    ratio: str = ""
    target: str = ""
    ok: bool | None = None
    """None where there is nothing to hold it to."""


@dataclass(frozen=True, kw_only=True)
class Bench:
    """Where the benchmarks work and with whom they compare."""

    folder: Path
    """Emptied after each benchmark."""
    peers: Mapping[str, Path] = field(default_factory=dict)
    """Python interpreters of the peers that could be installed."""

    def new_folder(self) -> Path:
        """Return an empty folder."""
        return Path(tempfile.mkdtemp(dir=self.folder))


def run(
    side: str,
    *args: object,
    python: str | Path = sys.executable,
    env: Mapping[str, str] | None = None,
    longest_seconds: float = _LONGEST_SECONDS,
) -> Sample:
    """Run `sides/FILE.py:FUNCTION` in a fresh process and measure it."""
    command = [str(python), str(_HERE / "_child.py"), side, *map(str, args)]
    os.sync()  # or this side pays for writing back what was prepared for it
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        check=False,
        timeout=longest_seconds,
        env={**os.environ, **(env or {})},
    )
    if done.returncode:
        raise RuntimeError(f"{side} failed:\n{done.stderr}")
    return Sample(**json.loads(done.stdout.splitlines()[-1]))


def interleave(
    sides: Mapping[str, Callable[[], Sample]], times: int
) -> dict[str, list[Sample]]:
    """Run every side `times` times in turn, so that noise meets all of them."""
    samples: dict[str, list[Sample]] = {name: [] for name in sides}
    for _ in range(times):
        for name, side in sides.items():
            samples[name].append(side())
    return samples


def median(samples: Sequence[Sample], name: str = "cpu_seconds") -> float:
    """Return the median of one of the figures."""
    return statistics.median(getattr(sample, name) for sample in samples)


def spread(samples: Sequence[Sample], name: str = "cpu_seconds") -> str:
    """Return the median and the extremes, in seconds."""
    values = sorted(getattr(sample, name) for sample in samples)
    middle = f"{statistics.median(values):.2f} s"
    if len(values) == 1:
        return middle
    return f"{middle} ({values[0]:.2f}-{values[-1]:.2f})"
