"""3. A request file checked: every problem with its line, duplicates found."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

from _data import texts, write_lines
from _measure import Bench, Line, interleave, median, run, spread

__all__ = ["measure"]

_ROWS = 100_000
_MANY_ROWS = 1_000_000
_TIMES = 3
_LINES_PER_SECOND = 100_000
_PEAK_MB = 150
_LINE_BYTES = 2400
_BAD = {10: b"{not json\n", 20_000: b"{}\n", 99_999: b'{"custom_id":"\xff"}\n'}
_TWIN = 70_000  # carries the id of line 1


def measure(bench: Bench) -> Iterator[Line]:
    """Yield the lines of this benchmark."""
    good = _write(bench.folder / "good.jsonl", _ROWS)
    samples = interleave({"ours": partial(run, "ours:check", good)}, _TIMES)["ours"]
    speed = _ROWS / median(samples)
    yield Line(
        item=3,
        what=f"Validation, {_ROWS:,} lines of {_LINE_BYTES:,} bytes",
        ours=spread(samples),
        ratio=f"{speed:,.0f} lines a CPU second",
        target=f">= {_LINES_PER_SECOND:,}",
        ok=speed >= _LINES_PER_SECOND,
    )
    bad = _write(bench.folder / "bad.jsonl", _ROWS, spoiled=True)
    found = {line for line, _ in run("ours:check", bad).answer["lines"]}
    wanted = {*_BAD, _TWIN}
    yield Line(
        item=3,
        what="Problems hidden in such a file",
        ours=f"{len(found & wanted)} found, each with its line",
        ratio=f"{len(wanted)} hidden",
        target="all",
        ok=wanted <= found,
    )
    many = run("ours:check", _write(bench.folder / "many.jsonl", _MANY_ROWS))
    yield Line(
        item=3,
        what=f"Validation, {_MANY_ROWS:,} lines, no two ids alike",
        ours=spread([many]),
        ratio=f"peak {many.peak_mb:.0f} MB",
        target=f"< {_PEAK_MB} MB",
        ok=many.peak_mb < _PEAK_MB,
    )


def _write(path: Path, rows: int, *, spoiled: bool = False) -> Path:
    return write_lines(path, _lines(rows, spoiled=spoiled))


def _lines(rows: int, *, spoiled: bool) -> Iterator[bytes]:
    head = b'{"custom_id":"'
    middle = (
        b'","method":"POST","url":"/v1/chat/completions","body":{"model":"gpt-5-mini",'
        b'"messages":[{"role":"user","content":"'
    )
    tail = b'"}]}}\n'
    fixed = len(head) + len(middle) + len(tail) + len("row-000000000")
    bodies = [
        text.encode("ascii", "ignore").replace(b'"', b"'").replace(b"\n", b" ")
        for text in texts(100, 3000)
    ]
    for row in range(rows):
        if spoiled and row + 1 in _BAD:
            yield _BAD[row + 1]
            continue
        number = 0 if spoiled and row + 1 == _TWIN else row
        text = bodies[row % len(bodies)][: _LINE_BYTES - fixed]
        yield b"%srow-%09d%s%s%s" % (head, number, middle, text, tail)
