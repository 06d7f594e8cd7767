"""2. Reading the input: CSV, JSON lines and Parquet of a gigabyte."""

from __future__ import annotations

from collections.abc import Iterator

from _data import write_csv, write_jsonl, write_parquet
from _measure import Bench, Line, run, spread

__all__ = ["measure"]

_ROWS = 200_000
_CHARACTERS = 5000
_PEAK_MB = 400


def measure(bench: Bench) -> Iterator[Line]:
    """Yield the lines of this benchmark."""
    for suffix, write in (
        (".csv", write_csv),
        (".jsonl", write_jsonl),
        (".parquet", write_parquet),
    ):
        path = write(bench.folder / f"rows{suffix}", _ROWS, _CHARACTERS)
        size = path.stat().st_size / 1e9
        sample = run("ours:read", path, bench.new_folder())
        path.unlink()
        yield Line(
            item=2,
            what=f"Reading {size:.2f} GB of {suffix}, rows kept per shard",
            ours=spread([sample]),
            ratio=f"peak {sample.peak_mb:.0f} MB",
            target=f"< {_PEAK_MB} MB",
            ok=sample.peak_mb < _PEAK_MB and sample.answer["rows"] == _ROWS,
        )
