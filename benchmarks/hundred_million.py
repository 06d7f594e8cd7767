"""14. A hundred million rows, computed from one partition and from 2,000 shards.

Takes half an hour, so it runs only by its name: `run_all.py hundred_million`.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from _data import SHARD_ROWS, write_jsonl, write_parquet
from _measure import Bench, Line, Sample, run
from _sandbox import sandbox

__all__ = ["measure"]

_ROWS = 100_000_000
_PARTITION = 5_000_000
_SHARDS = _ROWS // SHARD_ROWS
_SMALL = 50
_LONGEST_SECONDS = 3_600
_STEPS = {
    "generate": "generation",
    "submit": "uploads and creations",
    "wait": "polls",
    "download": "downloads",
    "parse": "validation and join",
    "write-output": "the table from its parts",
}


def measure(bench: Bench) -> Iterator[Line]:
    """Yield the lines of this benchmark."""
    yield from _partition(bench)
    yield from _shards(bench)


def _partition(bench: Bench) -> Iterator[Line]:
    source = write_parquet(bench.folder / "rows.parquet", _PARTITION)
    folder = bench.new_folder()
    with sandbox(bench.new_folder()) as environment:
        environment |= {"BATCHWRIGHT_POLL_SECONDS": "1"}
        one = _run("whole_runs:plain", source, folder, SHARD_ROWS, environment)
    parts = _ROWS // _PARTITION
    what = f"{_PARTITION:,} rows, {_PARTITION // SHARD_ROWS} shards"
    yield _line(
        f"A partition of {what}: wall time with the sandbox's, CPU",
        f"{one.wall_seconds / 60:.1f} min, {one.cpu_seconds:.0f} s",
        f"{one.wall_seconds * parts / 3600:.1f} h, {one.cpu_seconds * parts / 60:.0f}"
        " min on one machine",
    )
    for step, name in _STEPS.items():
        seconds = one.answer["spent"].get(step, 0)
        yield _line(
            f"of it {name}, CPU",
            f"{seconds:.1f} s",
            f"{seconds * parts / 60:.1f} min",
        )
    sizes = {
        "the input": _size(source),
        "the run directory": _size(folder / "run"),
        "the table": _size(folder / "out.parquet"),
    }
    for name, size in sizes.items():
        yield _line(
            f"Disk for {name}", f"{size / 1e9:.1f} GB", f"{size * parts / 1e9:.0f} GB"
        )
    yield _line("Memory, peak", f"{one.peak_mb:.0f} MB", "the same for each worker")


def _shards(bench: Bench) -> Iterator[Line]:
    source = write_jsonl(bench.folder / "rows.jsonl", _SHARDS * _SMALL)
    few = write_jsonl(bench.folder / "few.jsonl", _SMALL)
    with sandbox(bench.new_folder()) as environment:
        environment |= {"BATCHWRIGHT_POLL_SECONDS": "1"}
        home = Path(environment["PREFECT_HOME"])
        _run("runs_flow:flow", few, bench.new_folder(), _SMALL, environment)
        before = _size(home)
        many = _run("runs_flow:flow", source, bench.new_folder(), _SMALL, environment)
        grown = _size(home) - before
    server = many.answer["server_seconds"]
    yield _line(
        f"A flow of {_SHARDS:,} shards of {_SMALL} rows: wall time, CPU, of the server",
        f"{many.wall_seconds / 60:.1f} min, {many.cpu_seconds:.0f} s, {server:.0f} s",
        "the same, beside that of the rows",
    )
    yield _line(
        "Prefect's database",
        f"{grown / _SHARDS / 1e3:.0f} kB a shard",
        f"{grown / 1e6:.0f} MB",
    )
    yield _line("Memory, peak", f"{many.peak_mb:.0f} MB")


def _run(
    side: str, source: Path, folder: Path, rows: int, environment: dict[str, str]
) -> Sample:
    return run(
        side, source, folder, rows, env=environment, longest_seconds=_LONGEST_SECONDS
    )


def _line(what: str, measured: str, whole: str = "") -> Line:
    return Line(item=14, what=what, ours=measured, other=whole)


def _size(path: Path) -> int:
    files = path.rglob("*") if path.is_dir() else [path]
    return sum(each.stat().st_size for each in files if each.is_file())
