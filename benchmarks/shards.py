"""9. Many shards: what one costs beside its rows, and Prefect's share."""

from __future__ import annotations

from collections.abc import Iterator

from _data import write_jsonl
from _measure import Bench, Line, run
from _sandbox import sandbox

__all__ = ["measure"]

_ROWS = 10
_SHARDS = 500
_FLOW_SHARDS = 100
_MILLISECONDS = 60
_TASKS = 3  # submit, download, parse: one task run each for every shard


def measure(bench: Bench) -> Iterator[Line]:
    """Yield the lines of this benchmark."""
    many = write_jsonl(bench.folder / "many.jsonl", _SHARDS * _ROWS)
    some = write_jsonl(bench.folder / "some.jsonl", _FLOW_SHARDS * _ROWS)
    few = write_jsonl(bench.folder / "few.jsonl", _ROWS)
    with sandbox(bench.new_folder()) as environment:
        environment |= {"BATCHWRIGHT_POLL_SECONDS": "0.2"}
        plain = run(
            "whole_runs:plain", many, bench.new_folder(), _ROWS, env=environment
        )
        fewer = run(
            "whole_runs:plain", some, bench.new_folder(), _ROWS, env=environment
        )
        run("runs_flow:flow", few, bench.new_folder(), _ROWS, env=environment)
        flow = run("runs_flow:flow", some, bench.new_folder(), _ROWS, env=environment)
    ours = plain.cpu_seconds / _SHARDS * 1000
    spent = {
        name: f"{seconds / _SHARDS * 1000:.1f}"
        for name, seconds in plain.answer["spent"].items()
    }
    yield Line(
        item=9,
        what=f"{_SHARDS} shards of {_ROWS} rows, our own CPU per shard",
        ours=f"{ours:.1f} ms",
        other=", ".join(f"{name} {part}" for name, part in spent.items()),
        ratio=f"{plain.cpu_seconds:.1f} s in all",
        target=f"< {_MILLISECONDS} ms",
        ok=ours < _MILLISECONDS and plain.answer["batches"] == _SHARDS,
    )
    share = (flow.cpu_seconds - fewer.cpu_seconds) / _FLOW_SHARDS * 1000
    server = flow.answer["server_seconds"] / _FLOW_SHARDS * 1000
    yield Line(
        item=9,
        what=f"Prefect's share, {_FLOW_SHARDS} shards, {_TASKS} task runs each",
        ours=f"{share:.0f} ms per shard",
        other=f"its server {server:.0f} ms per shard",
        ratio=f"{share / _TASKS:.0f} ms per task run",
    )
