"""Runs every benchmark, writes RESULTS.md; exits 1 where a target is missed."""

from __future__ import annotations

import importlib
import os
import platform
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from _measure import Bench, Line
from _peers import install_peers

__all__: list[str] = []

_BENCHMARKS = (
    "generation",
    "reading",
    "validation",
    "results",
    "transfers",
    "startup",
    "pipeline",
    "frames",
    "growth",
    "shards",
    "reuse",
    "vendors",
    "minute",
)
_PACKAGES = (
    "batchwright prefect openai anthropic httpx2 pydantic orjson msgspec typer pyarrow"
)
_RESULTS = Path(__file__).parent / "RESULTS.md"


def main(names: Sequence[str]) -> int:
    """Run the benchmarks of these names, all by default."""
    started = time.monotonic()
    lines: list[Line] = []
    with tempfile.TemporaryDirectory(prefix="batchwright-bench-") as temporary:
        peers = install_peers(Path(temporary) / "peers")
        work = Path(temporary) / "work"
        for name in names or _BENCHMARKS:
            work.mkdir()
            begun = time.monotonic()
            for line in importlib.import_module(name).measure(
                Bench(folder=work, peers=peers)
            ):
                lines.append(line)
                print(_plain(line), flush=True)
            print(f"-- {name}: {time.monotonic() - begun:.0f} s", flush=True)
            shutil.rmtree(work)
    lines.sort(key=lambda line: line.item)
    text = "\n".join(_page(lines, peers, time.monotonic() - started)) + "\n"
    if not names:
        _RESULTS.write_text(text, encoding="utf-8")
    missed = [line.what for line in lines if line.ok is False]
    for what in missed:
        print(f"missed: {what}")
    return 1 if missed else 0


def _plain(line: Line) -> str:
    parts = (line.ours, line.other, line.ratio, line.target, _verdict(line))
    return f"{line.item}. {line.what}: " + " | ".join(part for part in parts if part)


def _verdict(line: Line) -> str:
    return "" if line.ok is None else "ok" if line.ok else "**miss**"


def _page(
    lines: Sequence[Line], peers: dict[str, Path], seconds: float
) -> Iterator[str]:
    yield "# Results"
    yield ""
    yield (
        "Written by `make bench`; [docs/performance.md](../docs/performance.md) says"
        " how to read it. Times are CPU seconds, median (least-most), unless said."
    )
    yield ""
    yield f"- {datetime.now(UTC):%Y-%m-%d}, {seconds / 60:.0f} minutes in all"
    yield f"- {_machine()}, load {os.getloadavg()[1]:.1f} at the end"
    names = ", ".join(f"{name} {version(name)}" for name in _PACKAGES.split())
    yield f"- Python {platform.python_version()}, {names}"
    yield f"- compared with {', '.join(peers) or 'no peer: none could be installed'}"
    yield ""
    yield "| | What | Ours | Other | Result | Target | |"
    yield "| --- | --- | --- | --- | --- | --- | --- |"
    for line in lines:
        cells = (line.what, line.ours, line.other, line.ratio, line.target)
        yield f"| {line.item} | " + " | ".join((*cells, _verdict(line))) + " |"


def _machine() -> str:
    info = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    names = [line for line in info.splitlines() if line.startswith("model name")]
    name = names[0].partition(": ")[2] if names else platform.machine()
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9
    return f"{os.cpu_count()} cores ({name}), {memory:.0f} GB, {platform.system()}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
