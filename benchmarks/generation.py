"""1. Generation: rows to request files, against instructor and the bare loop."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import orjson
from _data import prompt, write_jsonl
from _measure import Bench, Line, Sample, interleave, median, run, spread

__all__ = ["measure"]

_ROWS = 20_000
_FEW_ROWS = 1000  # what is slow is measured on fewer rows, and compared per row
_TIMES = 5
_OLD, _NEW, _FLOOR = 5, 100, 1.6


def measure(bench: Bench) -> Iterator[Line]:
    """Yield the lines of this benchmark."""
    source = write_jsonl(bench.folder / "rows.jsonl", _ROWS)
    few = write_jsonl(bench.folder / "few.jsonl", _FEW_ROWS)
    frame = _frame(bench.folder, source)
    target = bench.folder / "requests.jsonl"
    sides: dict[str, Callable[[], Sample]] = {
        "ours": partial(_ours, bench, source, "yes"),
        "requests": partial(_ours, bench, source, "no"),
        "bare": partial(run, "bare:generate", source, target, frame),
    }
    if python := bench.peers.get("instructor-1.8"):
        sides["old"] = partial(
            run, "instructor_old:generate", source, target, python=python
        )
    if python := bench.peers.get("instructor-1.17"):
        sides["new"] = partial(
            run, "instructor_new:generate", few, target, python=python
        )
    samples = interleave(sides, _TIMES)
    ours = median(samples["ours"])
    for name, label, target_ratio, rows in (
        ("old", "instructor 1.8 `BatchJob.create_from_messages`", _OLD, _ROWS),
        ("new", "instructor 1.17 `BatchProcessor`", _NEW, _FEW_ROWS),
    ):
        if name not in samples:
            continue
        ratio = median(samples[name]) / rows / (ours / _ROWS)
        yield Line(
            item=1,
            what=f"Generation, {_ROWS:,} rows; {label}, {rows:,} rows",
            ours=spread(samples["ours"]),
            other=spread(samples[name]),
            ratio=f"{ratio:.1f} times less a row",
            target=f">= {target_ratio} times less",
            ok=ratio >= target_ratio,
        )
    floor = median(samples["requests"]) / median(samples["bare"])
    yield Line(
        item=1,
        what=f"Generation, {_ROWS:,} rows; bare splice and write, no digest, no split",
        ours=spread(samples["requests"]),
        other=spread(samples["bare"]),
        ratio=f"{floor:.2f} times the floor",
        target=f"<= {_FLOOR} times",
        ok=floor <= _FLOOR,
    )
    yield Line(
        item=1,
        what="The same, and the rows kept for the join",
        ours=spread(samples["ours"]),
        other=spread(samples["bare"]),
        ratio=f"{ours / median(samples['bare']):.2f} times the floor",
    )


def _ours(bench: Bench, source: Path, keep_rows: str) -> Sample:
    return run("ours:generate", source, bench.new_folder(), keep_rows)


def _frame(folder: Path, source: Path) -> Path:
    """Write one request of ours with marks where rows differ."""
    made = folder / "frame"
    made.mkdir()
    run("ours:generate", source, made, "no")
    with (made / "00000" / "requests.jsonl").open("rb") as file:
        line = file.readline()
    with source.open("rb") as file:
        text = orjson.dumps(prompt(orjson.loads(file.readline())["text"]))[1:-1]
    head = orjson.loads(line)["custom_id"].encode()
    path = folder / "frame.txt"
    path.write_bytes(line.replace(head, b"@@", 1).replace(text, b"@@", 1))
    return path
