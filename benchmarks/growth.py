"""8. Growth: from 10,000 to 1,000,000 rows; time per row and memory. Also 1 and 4."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

from _data import SHARD_ROWS, write_jsonl, write_rounds
from _measure import Bench, Line, Sample, median, run

__all__ = ["measure"]

_SIZES = {100: 5, 10_000: 7, 100_000: 3, 1_000_000: 1}
"""How often each is measured. The fewest rows show what a job costs by itself."""
_LEAST_TIMES = 3
"""Generation writes gigabytes, and memory that a machine uses first costs more."""
_FEW, _MOST = min(_SIZES), max(_SIZES)
_WITHIN = 1.2
_GENERATED_MB, _TABLE_MB = 120, 250
_SUFFIXES = (".parquet", ".csv", ".jsonl")


def measure(bench: Bench) -> Iterator[Line]:
    """Yield the lines of this benchmark."""
    steps: dict[str, dict[int, list[Sample]]] = {}
    for rows, times in _SIZES.items():
        source = write_jsonl(bench.folder / "rows.jsonl", rows)
        generated: list[Sample] = []
        last = max(times, _LEAST_TIMES)
        for _ in range(last):
            folder = bench.new_folder()
            generated.append(run("ours:generate", source, folder))
            if len(generated) < last:
                shutil.rmtree(folder)
        steps.setdefault("generation", {})[rows] = generated
        shards = _answer(folder, rows)
        # All formats at the most rows; the first alone shows the growth.
        for suffix in _SUFFIXES if rows == _MOST else _SUFFIXES[:1]:
            joined = [
                run("ours:join", source, folder, shards, suffix, rows)
                for _ in range(times)
            ]
            steps.setdefault(f"results to {suffix}", {})[rows] = joined
        shutil.rmtree(folder)
    for name, by_rows in steps.items():
        limit = _GENERATED_MB if name == "generation" else _TABLE_MB
        yield from _memory(name, by_rows[_MOST], limit)
    for name in ("generation", "results to .parquet"):
        yield _growth(name, steps[name])


def _answer(folder: Path, rows: int) -> int:
    """Write what came back for every shard, out of order; return their number."""
    starts = range(0, rows, SHARD_ROWS)
    for index, first in enumerate(starts):
        where = folder / f"{index:05}"
        (where / "requests.jsonl").unlink()
        write_rounds(where, first, min(SHARD_ROWS, rows - first))
    return len(starts)


def _memory(name: str, samples: list[Sample], limit: int) -> Iterator[Line]:
    generation = name == "generation"
    peak = max(each.grown_mb if generation else each.peak_mb for each in samples)
    what = "above the imports" if generation else "in all; shuffled, two rounds"
    yield Line(
        item=1 if generation else 4,
        what=f"Memory of {name}, {_MOST:,} rows, {what}",
        ours=f"{median(samples):.1f} s",
        ratio=f"peak {peak:.0f} MB",
        target=f"< {limit} MB",
        ok=peak < limit,
    )


def _growth(name: str, by_rows: dict[int, list[Sample]]) -> Line:
    """Compare the sizes by their quickest runs: what slows one down is not ours."""
    seconds = {
        rows: min(each.cpu_seconds for each in samples)
        for rows, samples in by_rows.items()
    }
    job = seconds.pop(_FEW)
    per_row = [(spent - job) / rows * 1e6 for rows, spent in seconds.items()]
    peaks = [max(each.peak_mb for each in by_rows[rows]) for rows in seconds]
    ratio = max(per_row) / min(per_row)
    return Line(
        item=8,
        what=f"Growth of {name}: {', '.join(f'{rows:,}' for rows in seconds)} rows",
        ours=", ".join(f"{value:.1f}" for value in per_row)
        + f" us a row, and {job * 1000:.0f} ms a job",
        other="peaks " + ", ".join(f"{peak:.0f}" for peak in peaks) + " MB",
        ratio=f"{ratio:.2f} times between the least and the most",
        target=f"<= {_WITHIN} times",
        ok=ratio <= _WITHIN,
    )
