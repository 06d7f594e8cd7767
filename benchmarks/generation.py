"""1. Generation: rows and messages to request files, against instructor and loops."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import orjson
from _data import write_jsonl
from _measure import Bench, Line, Sample, interleave, median, run, spread

__all__ = ["measure"]

_ROWS = 200_000
_SOME_ROWS, _FEW_ROWS = 40_000, 1000
"""What is slow is measured on fewer rows, and compared per row."""
_TIMES = 7
_OLD, _NEW, _FLOOR, _LOOP = 5, 100, 1.6, 1.5
_MESSAGES = 100_000


def measure(bench: Bench) -> Iterator[Line]:
    """Yield the lines of this benchmark."""
    source = write_jsonl(bench.folder / "rows.jsonl", _ROWS)
    some = write_jsonl(bench.folder / "some.jsonl", _SOME_ROWS)
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
            run, "instructor_old:generate", some, target, python=python
        )
    if python := bench.peers.get("instructor-1.17"):
        sides["new"] = partial(
            run, "instructor_new:generate", few, target, python=python
        )
    samples = interleave(sides, _TIMES)
    ours = median(samples["ours"])
    for name, label, target_ratio, rows in (
        ("old", "instructor 1.8 `BatchJob.create_from_messages`", _OLD, _SOME_ROWS),
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
        what=f"Generation, {_ROWS:,} rows; bare splice and write, no digest",
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
    for kind, model in (("plain", "Ticket"), ("foreign", "Claim")):
        yield from _from_messages(bench, kind, model)


def _from_messages(bench: Bench, kind: str, model: str) -> Iterator[Line]:
    """Compare `create_from_messages` with loops that write the same requests."""
    example, target = bench.folder / f"{kind}.jsonl", bench.folder / "made.jsonl"
    run("ours:create", 1, kind, example)
    samples = interleave(
        {
            "ours": partial(run, "ours:create", _MESSAGES, kind, target),
            "dumps": partial(run, "bare:dumps", _MESSAGES, kind, example, target),
            "splice": partial(run, "bare:splice", _MESSAGES, kind, example, target),
        },
        _TIMES,
    )
    for name, label in (
        ("dumps", "`orjson.dumps` of each request"),
        ("splice", "`orjson.dumps` of the messages, spliced"),
    ):
        ratio = median(samples["ours"]) / median(samples[name])
        yield Line(
            item=1,
            what=f"Requests from {_MESSAGES:,} {kind} messages, {model}; {label}",
            ours=spread(samples["ours"]),
            other=spread(samples[name]),
            ratio=f"{ratio:.2f} times a naive loop",
            target=f"<= {_LOOP} times",
            ok=ratio <= _LOOP,
        )


def _ours(bench: Bench, source: Path, keep_rows: str) -> Sample:
    folder = bench.new_folder()
    try:
        return run("ours:generate", source, folder, keep_rows)
    finally:
        shutil.rmtree(folder)  # or its pages are written back in another's time


def _frame(folder: Path, source: Path) -> Path:
    """Write one request of ours, `@@` where its id and its messages were."""
    made = folder / "frame"
    made.mkdir()
    run("ours:generate", source, made, "no")
    with (made / "00000" / "requests.jsonl").open("rb") as file:
        line = file.readline()
    request = orjson.loads(line)
    path = folder / "frame.txt"
    for differs in (request["custom_id"], request["body"]["messages"]):
        line = line.replace(orjson.dumps(differs), b"@@", 1)
    path.write_bytes(line)
    return path
