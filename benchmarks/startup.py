"""6. Start-up: `--help` against a small Typer program, `list` against a script."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from _measure import Bench, Line
from _sandbox import sandbox

__all__ = ["measure"]

_TIMES = 9
_HELP, _LIST = 1.5, 1.3
_SIDES = Path(__file__).parent / "sides"


def measure(bench: Bench) -> Iterator[Line]:
    """Yield the lines of this benchmark."""
    command = str(Path(sys.executable).with_name("batchwright"))
    with sandbox(bench.folder) as environment:
        for label, other, ours, theirs, limit in (
            ("`--help`", "Typer, two commands", ["--help"], "two_commands", _HELP),
            ("`list`", "ten lines with the SDK", ["list"], "ten_lines", _LIST),
        ):
            script = [sys.executable, str(_SIDES / f"{theirs}.py")]
            script += ["--help"] if limit == _HELP else []
            mine, yours = _times([command, *ours], script, environment)
            ratio = statistics.median(mine) / statistics.median(yours)
            yield Line(
                item=6,
                what=f"batchwright {label}, wall time; {other}",
                ours=_text(mine),
                other=_text(yours),
                ratio=f"{ratio:.2f} times",
                target=f"<= {limit} times",
                ok=ratio <= limit,
            )


def _times(
    ours: Sequence[str], theirs: Sequence[str], environment: Mapping[str, str]
) -> tuple[list[float], list[float]]:
    both: tuple[list[float], list[float]] = ([], [])
    for turn in range(_TIMES + 1):
        for command, seconds in zip((ours, theirs), both, strict=True):
            started = time.monotonic()
            subprocess.run(
                command,
                env={**os.environ, **environment},
                check=True,
                capture_output=True,
            )
            if turn:  # the first one compiles
                seconds.append(time.monotonic() - started)
    return both


def _text(seconds: Sequence[float]) -> str:
    low, middle, high = min(seconds), statistics.median(seconds), max(seconds)
    return f"{middle * 1000:.0f} ms ({low * 1000:.0f}-{high * 1000:.0f})"
