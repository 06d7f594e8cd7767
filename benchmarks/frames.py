"""1. Tables in memory: a million rows from Arrow, and the memory beside the table."""

from __future__ import annotations

from collections.abc import Iterator

from _measure import Bench, Line, run

__all__ = ["measure"]

_ROWS = 1_000_000
_MB = 300


def measure(bench: Bench) -> Iterator[Line]:
    """Yield the lines of this benchmark."""
    found = run("memory:table", _ROWS, bench.new_folder()).answer
    for step, name in (("kept and made into requests", "sent"), ("read back", "read")):
        peak_mb = found[f"{name}_mb"]
        yield Line(
            item=1,
            what=f"Memory of {_ROWS:,} rows of a table of {found['table_mb']:.0f} MB,"
            f" {step}: beside the table",
            ours=f"{found['cpu_seconds']:.1f} s" if name == "sent" else "",
            ratio=f"peak {peak_mb:.0f} MB",
            target=f"< {_MB} MB",
            ok=peak_mb < _MB,
        )
