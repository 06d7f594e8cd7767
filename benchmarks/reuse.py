"""10. Reuse: the requests of new rows, looked up in the answers of many runs.

The runs would take hours to make, so their index files are written directly, as runs
write them: sorted, of the same size, one for every 50,000 answers.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import orjson
from _data import texts, write_lines
from _measure import Bench, Line, interleave, median, run, spread

__all__ = ["measure"]

_RUNS, _ROWS = 100, 1_000_000
_TIMES = 3
_MOST, _PEAK_MB, _ROW_BYTES = 1.3, 300, 32


def measure(bench: Bench) -> Iterator[Line]:
    """Yield the lines of this benchmark."""
    lines = (  # no two rows are equal
        orjson.dumps({"text": f"{row} {text}"}, option=orjson.OPT_APPEND_NEWLINE)
        for row, text in enumerate(texts(_ROWS))
    )
    source = write_lines(bench.folder / "rows.jsonl", lines)
    root = bench.new_folder()
    size = run("reused:make", root, _RUNS, _ROWS).answer["bytes"]
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
    per_row = size / (_RUNS * _ROWS)
    yield Line(
        item=10,
        what=f"Requests of {_ROWS:,} new rows, looked up in {_RUNS} runs of {_ROWS:,},"
        " of which there are the index files alone; without reuse, and reading the"
        " indexes",
        ours=spread(samples["reuse"]),
        other=f"{spread(samples['usual'])}, {spread(samples['scan'])}",
        ratio=f"{ratio:.2f} times, peak {peak:.0f} MB, {per_row:.1f} bytes a row",
        target=f"<= {_MOST} times, < {_PEAK_MB} MB, <= {_ROW_BYTES} bytes",
        ok=ratio <= _MOST and peak < _PEAK_MB and per_row <= _ROW_BYTES,
    )
