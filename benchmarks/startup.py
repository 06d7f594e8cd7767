"""6. Start-up: help pages against bare Typer programs, `list` against a script."""

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
_HELP, _LIST = 1.2, 1.3
_SIDES = Path(__file__).parent / "sides"


def measure(bench: Bench) -> Iterator[Line]:
    """Yield the lines of this benchmark."""
    command = str(Path(sys.executable).with_name("batchwright"))
    with sandbox(bench.folder) as environment:
        for typed, label, side, arguments, limit in (
            ("--help", "Typer, two commands", "two_commands", "--help", _HELP),
            ("run --help", "Typer, 26 options", "many_options", "run --help", _HELP),
            ("list", "ten lines with the SDK", "ten_lines", "", _LIST),
        ):
            script = [sys.executable, str(_SIDES / f"{side}.py"), *arguments.split()]
            mine, yours = _times([command, *typed.split()], script, environment)
            ratio = statistics.median(mine) / statistics.median(yours)
            yield Line(
                item=6,
                what=f"`batchwright {typed}`, wall time; {label}",
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
