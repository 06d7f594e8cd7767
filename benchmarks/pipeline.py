"""7. The whole pipeline, 50,000 rows: where our CPU time goes."""

from __future__ import annotations

from collections.abc import Iterator

from _data import write_jsonl
from _measure import Bench, Line, run
from _sandbox import sandbox

__all__ = ["measure"]

_ROWS = 50_000
_FEW_ROWS = 20
_CPU_SECONDS = 25
_STEPS = {
    "generation": "generate",
    "upload": "submit",
    "polls": "wait",
    "download": "download",
    "parse and join": "parse",
    "write": "write-output",
}


def measure(bench: Bench) -> Iterator[Line]:
    """Yield the lines of this benchmark."""
    source = write_jsonl(bench.folder / "rows.jsonl", _ROWS)
    few = write_jsonl(bench.folder / "few.jsonl", _FEW_ROWS)
    with sandbox(bench.new_folder()) as environment:
        # The first flow ever makes Prefect's database, once for every machine.
        run("runs_flow:flow", few, bench.new_folder(), _ROWS, env=environment)
        flow = run("runs_flow:flow", source, bench.new_folder(), _ROWS, env=environment)
        plain = run(
            "whole_runs:plain", source, bench.new_folder(), _ROWS, env=environment
        )
    server = flow.answer["server_seconds"]
    total = flow.start_cpu_seconds + flow.cpu_seconds + server
    spent = plain.answer["spent"]
    parts = {name: spent.get(kind, 0) for name, kind in _STEPS.items()}
    parts["the rest of a run"] = plain.cpu_seconds - sum(parts.values())
    parts["Prefect in our process"] = flow.cpu_seconds - plain.cpu_seconds
    parts["Prefect's server"] = server
    yield Line(
        item=7,
        what=f"The whole pipeline as a flow, {_ROWS:,} rows, without the sandbox",
        ours=f"{total:.1f} s",
        ratio=f"{flow.wall_seconds:.0f} s of wall time, sandbox and polls included",
        target=f"< {_CPU_SECONDS} s",
        ok=total < _CPU_SECONDS and flow.answer["rows"] == _ROWS,
    )
    parts = {"start-up": flow.start_cpu_seconds, **parts}
    for name, seconds in parts.items():
        yield Line(item=7, what=f"of it {name}", ours=f"{seconds:.2f} s")
