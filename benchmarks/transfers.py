"""5. Transfers: 190 MB up and down through both SDKs, against a bare stream."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from _data import write_results
from _measure import Bench, Line, interleave, median, run, spread

__all__ = ["measure"]

_BYTES = 190_000_000
_TIMES = 5
_GROWN_MB, _SLOWER = 40, 1.4
_LONGER = 10


def measure(bench: Bench) -> Iterator[Line]:
    """Yield the lines of this benchmark."""
    path = bench.folder / "lines.jsonl"
    few = 1000
    line_bytes = write_results(path, range(few)).stat().st_size / few
    lines = int(_BYTES / line_bytes)
    write_results(path, range(lines))
    target = bench.folder / "out.jsonl"
    with _server(path) as url:
        samples = interleave(
            {
                "upload": partial(
                    run, "transfer_floor:upload", f"{url}/v1/files", path
                ),
                "download": partial(
                    run, "transfer_floor:download", f"{url}/content", target
                ),
                **{
                    f"{name} {way}": partial(
                        run, f"transfer_ours:{way}", name, base, *arguments
                    )
                    for name, base in (("openai", f"{url}/v1"), ("anthropic", url))
                    for way, arguments in (
                        ("upload", (path,)),
                        ("download", (target, lines)),
                    )
                },
            },
            _TIMES,
        )
    for name in ("openai", "anthropic"):
        for way in ("upload", "download"):
            ours, floor = samples[f"{name} {way}"], samples[way]
            ratio = median(ours, "wall_seconds") / median(floor, "wall_seconds")
            grown = max(sample.grown_mb for sample in ours)
            yield Line(
                item=5,
                what=f"{way.capitalize()} of {_BYTES / 1e6:.0f} MB, {name}, wall time",
                ours=spread(ours, "wall_seconds"),
                other=spread(floor, "wall_seconds"),
                ratio=f"{ratio:.2f} times a bare stream, memory +{grown:.0f} MB",
                target=f"<= {_SLOWER} times, < +{_GROWN_MB} MB",
                ok=ratio <= _SLOWER and grown < _GROWN_MB,
            )
    yield _one_line(target)


def _one_line(target: Path) -> Line:
    """Compare one line of all bytes, which must not be copied block by block."""
    sides = {
        lines: partial(run, "transfer_ours:save", target, _BYTES, lines)
        for lines in ("long", "short")
    }
    samples = interleave(sides, _TIMES)
    ratio = median(samples["long"]) / median(samples["short"])
    return Line(
        item=5,
        what=f"{_BYTES / 1e6:.0f} MB of results in one line; the same in short ones",
        ours=spread(samples["long"]),
        other=spread(samples["short"]),
        ratio=f"{ratio:.2f} times",
        target=f"<= {_LONGER} times",
        ok=ratio <= _LONGER,
    )


@contextmanager
def _server(results: Path) -> Iterator[str]:
    command = [sys.executable, str(Path(__file__).parent / "_server.py"), str(results)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None  # noqa: S101 - a pipe was asked for
            yield f"http://127.0.0.1:{server.stdout.readline().strip()}"
        finally:
            server.kill()
