"""10. Reuse: the requests of new rows, looked up in the answers of many runs."""

from __future__ import annotations

import os
from collections.abc import Iterator
from functools import partial

import orjson
from _data import texts, write_lines
from _measure import Bench, Line, interleave, median, run, spread

__all__ = ["measure"]

_RUNS, _ROWS = 20, 200_000
_ALL = os.environ.get("BATCHWRIGHT_BENCH_ALL") == "1"
"""A hundred runs of a million rows: minutes, and 3 GB of disk."""
_TIMES = 3
_MOST, _PEAK_MB, _ROW_BYTES = 1.3, 300, 32


def measure(bench: Bench) -> Iterator[Line]:
    """Yield the lines of this benchmark."""
    runs, rows = (100, 1_000_000) if _ALL else (_RUNS, _ROWS)
    lines = (  # no two rows are equal
        orjson.dumps({"text": f"{row} {text}"}, option=orjson.OPT_APPEND_NEWLINE)
        for row, text in enumerate(texts(rows, 120))
    )
    source = write_lines(bench.folder / "rows.jsonl", lines)
    root = bench.new_folder()
    size = run("reused:make", root, runs, rows).answer["bytes"]
    samples = interleave(
        {
            "reuse": partial(run, "reused:generate", source, root, "yes"),
            "usual": partial(run, "reused:generate", source, bench.new_folder(), "no"),
            "scan": partial(run, "reused:scan", root),
        },
        _TIMES,
    )
    ours, usual, scan = (median(samples[name]) for name in ("reuse", "usual", "scan"))
    peak = max(sample.peak_mb for sample in samples["reuse"])
    ratio = ours / (usual + scan)
    per_row = size / (runs * rows)
    yield Line(
        item=10,
        what=f"Requests of {rows:,} new rows, looked up in {runs} runs of {rows:,};"
        " without reuse, and reading the indexes",
        ours=spread(samples["reuse"]),
        other=f"{spread(samples['usual'])}, {spread(samples['scan'])}",
        ratio=f"{ratio:.2f} times, peak {peak:.0f} MB, {per_row:.1f} bytes a row",
        target=f"<= {_MOST} times, < {_PEAK_MB} MB, <= {_ROW_BYTES} bytes",
        ok=ratio <= _MOST and peak < _PEAK_MB and per_row <= _ROW_BYTES,
    )
