"""8. Growth: from 10,000 to 1,000,000 rows; time per row and memory. Also 1 and 4.

Memory is measured where it is worst, too: every row answered twice, and large answers.
"""

from __future__ import annotations

import shutil
import statistics
from collections.abc import Iterator
from pathlib import Path

from _data import SHARD_ROWS, write_jsonl
from _large import KINDS, write_large
from _measure import Bench, Line, Sample, median, run
from _rounds import write_rounds, write_two_rounds

__all__ = ["measure"]

_SIZES = {100: 9, 10_000: 9, 100_000: 3, 1_000_000: 1}
"""How often each is measured. The fewest rows show what a job costs by itself."""
_FEW, _MOST = min(_SIZES), max(_SIZES)
_WITHIN = 1.2
_GENERATED_MB, _TABLE_MB = 120, 250
_LARGE_ROWS, _LARGE_ANSWERS, _LARGE_MB = 1000, 8, 50
_SUFFIXES = (".parquet", ".csv", ".jsonl")


def measure(bench: Bench) -> Iterator[Line]:
    """Yield the lines of this benchmark."""
    steps: dict[str, dict[int, list[Sample]]] = {}
    for rows, times in _SIZES.items():
        source = write_jsonl(bench.folder / "rows.jsonl", rows)
        generated: list[Sample] = []
        for _ in range(times):
            folder = bench.new_folder()
            generated.append(run("ours:generate", source, folder))
            if len(generated) < times:
                shutil.rmtree(folder)
        steps.setdefault("generation", {})[rows] = generated
        shards = _answer(folder, rows)
        for suffix in _SUFFIXES:
            joined = [
                run("ours:join", source, folder, shards, suffix, rows)
                for _ in range(times)
            ]
            steps.setdefault(f"results to {suffix}", {})[rows] = joined
        if rows == _MOST:
            for index, first in enumerate(range(0, rows, SHARD_ROWS)):
                write_two_rounds(folder / f"{index:05}", first, SHARD_ROWS)
            twice = [
                run("ours:join", source, folder, shards, suffix, rows)
                for suffix in _SUFFIXES
            ]
        shutil.rmtree(folder)
    for suffix, sample in zip(_SUFFIXES, twice, strict=True):
        what = f"{_MOST:,} rows, shuffled, two rounds: errored, then answered"
        yield from _memory(f"results to {suffix}, {what}", [sample], _TABLE_MB)
    yield from _large(bench)
    for name, by_rows in steps.items():
        limit = _GENERATED_MB if name == "generation" else _TABLE_MB
        what = f"{_MOST:,} rows"
        what += "" if name == "generation" else ", shuffled"
        yield from _memory(f"{name}, {what}", by_rows[_MOST], limit)
    for name, by_rows in steps.items():
        yield _growth(name, by_rows)


def _answer(folder: Path, rows: int) -> int:
    """Write what came back for every shard, out of order; return their number."""
    starts = range(0, rows, SHARD_ROWS)
    for index, first in enumerate(starts):
        where = folder / f"{index:05}"
        (where / "requests.jsonl").unlink()
        write_rounds(where, first, min(SHARD_ROWS, rows - first))
    return len(starts)


def _large(bench: Bench) -> Iterator[Line]:
    source = write_jsonl(bench.folder / "large.jsonl", _LARGE_ROWS)
    folder = bench.new_folder()
    run("ours:generate", source, folder)
    size = _LARGE_ROWS, _LARGE_ANSWERS, _LARGE_MB
    what = "{:,} rows, {} answers of {} MB".format(*size)
    for kind in KINDS:
        write_large(folder / "00000", *size, kind)
        for suffix in _SUFFIXES:
            sample = run("ours:join", source, folder, 1, suffix, _LARGE_ROWS)
            name = f"results to {suffix}, {what}, {', '.join(kind)}"
            yield from _memory(name, [sample], _TABLE_MB)
    shutil.rmtree(folder)


def _memory(name: str, samples: list[Sample], limit: int) -> Iterator[Line]:
    generation = name.startswith("generation")
    peak = max(each.grown_mb if generation else each.peak_mb for each in samples)
    what = "above the imports" if generation else "in all"
    yield Line(
        item=1 if generation else 4,
        what=f"Memory of {name}: {what}",
        ours=f"{median(samples):.1f} s",
        ratio=f"peak {peak:.0f} MB",
        target=f"< {limit} MB",
        ok=peak < limit,
    )


def _growth(name: str, by_rows: dict[int, list[Sample]]) -> Line:
    """Compare what a further row costs, whatever a job costs by itself.

    By user time: the system's, for files and memory, came out between 1 and 5 us for
    the same rows. It is shown, and has no target.
    """
    few = by_rows[_FEW]
    more = {rows: samples for rows, samples in by_rows.items() if rows != _FEW}
    own = _per_row(few, more, "user_seconds")
    system = _per_row(few, more, "system_seconds")
    peaks = [max(each.peak_mb for each in samples) for samples in more.values()]
    ratio = max(own) / min(own)
    return Line(
        item=8,
        what=f"Growth of {name}: {', '.join(f'{rows:,}' for rows in more)} rows",
        ours=f"{_figures(own)} us a row, and {median(few) * 1000:.0f} ms a job",
        other=f"the system's part {_figures(system)} us a row; peaks"
        f" {', '.join(f'{peak:.0f}' for peak in peaks)} MB",
        ratio=f"{ratio:.2f} times between the least and the most user time",
        target=f"<= {_WITHIN} times",
        ok=ratio <= _WITHIN,
    )


def _per_row(
    few: list[Sample], by_rows: dict[int, list[Sample]], kind: str
) -> list[float]:
    job = _mean(few, kind)
    return [
        max(0.0, _mean(samples, kind) - job) / (rows - _FEW) * 1e6
        for rows, samples in by_rows.items()
    ]


def _mean(samples: list[Sample], kind: str) -> float:
    """Return the mean: which part of a short run is the system's, chance decides."""
    return statistics.fmean(getattr(sample, kind) for sample in samples)


def _figures(values: list[float]) -> str:
    return ", ".join(f"{value:.1f}" for value in values)
