"""4. Results: parsed to models, and joined to their rows as a table."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import partial

from _data import (
    SHARD_ROWS,
    anthropic_lines,
    rich_lines,
    write_jsonl,
    write_lines,
    write_results,
)
from _measure import Bench, Line, Sample, interleave, median, run, spread
from _rounds import write_rounds

__all__ = ["measure"]

_SHARDS = 2
_ROWS = _SHARDS * SHARD_ROWS
_TIMES = 5
_PARSE, _TABLE, _FLOOR = 4, 3, 1.5


def measure(bench: Bench) -> Iterator[Line]:
    """Yield the lines of this benchmark."""
    content = write_results(bench.folder / "content.jsonl", range(_ROWS))
    tools = write_results(bench.folder / "tools.jsonl", range(_ROWS), tools=True)
    inputs = write_lines(bench.folder / "inputs.jsonl", anthropic_lines(range(_ROWS)))
    rich, other = (
        write_lines(
            bench.folder / name, rich_lines(range(_ROWS), ascii_only=ascii_only)
        )
        for name, ascii_only in (("rich.jsonl", True), ("other.jsonl", False))
    )
    source = write_jsonl(bench.folder / "rows.jsonl", _ROWS)
    joined = bench.new_folder()
    run("ours:generate", source, joined)
    for index in range(_SHARDS):
        write_rounds(joined / f"{index:05}", index * SHARD_ROWS, SHARD_ROWS)
    sides = {
        "tools": partial(run, "ours:parse", tools),
        "inputs": partial(run, "ours:parse", inputs),
        **{
            suffix: partial(run, "ours:join", source, joined, _SHARDS, suffix, _ROWS)
            for suffix in (".parquet", ".csv", ".jsonl")
        },
    }
    files = {
        "content": ("Ticket", content),
        "rich": ("Claim", rich),
        "rich, not ASCII": ("Claim", other),
    }
    for name, (model, path) in files.items():
        sides[name] = partial(run, "ours:parse", path, model)
        sides[f"bare {name}"] = partial(run, "bare:parse", path, model)
    # Each with the shape of answers that it asks for itself.
    if python := bench.peers.get("instructor-1.8"):
        sides["old"] = partial(run, "instructor_old:parse", tools, python=python)
    if python := bench.peers.get("instructor-1.17"):
        parse = partial(run, "instructor_new:parse", python=python)
        sides |= {"new": partial(parse, content), "new inputs": partial(parse, inputs)}
        ids = partial(run, "instructor_new:parse_with_ids", python=python)
        sides["new ids"] = partial(ids, content)
    samples = interleave(sides, _TIMES)
    yield from _floors(samples, files)
    for name, shape, label in (
        ("old", "tools", "instructor 1.8"),
        ("new", "content", "instructor 1.17"),
        ("new inputs", "inputs", "instructor 1.17, Anthropic's"),
    ):
        if name not in samples:
            continue
        same = samples[name][0].answer == samples[shape][0].answer
        ratio = median(samples[name]) / median(samples[shape])
        yield Line(
            item=4,
            what=f"`parse_from_file`, {_ROWS:,} results; {label}",
            ours=spread(samples[shape]),
            other=spread(samples[name]),
            ratio=f"{ratio:.1f} times less",
            target=f">= {_PARSE} times less",
            ok=ratio >= _PARSE and same,
        )
    # Held to both parsers of its newest version; of all three the first alone keeps
    # the IDs, which a table needs.
    for name, label, paused in (
        ("new ids", "instructor 1.17's `parse_results`", True),
        ("new", "instructor 1.17's `parse_from_file`", True),
        ("old", "instructor 1.8's `parse_from_file`", False),
    ):
        if name not in samples:
            continue
        for suffix in (".parquet", ".csv", ".jsonl"):
            table = median(samples[name]) / median(samples[suffix])
            yield Line(
                item=4,
                what=f"Results to a {suffix} table; {label} alone",
                ours=spread(samples[suffix]),
                other=spread(samples[name]),
                ratio=f"{table:.1f} times less",
                target=f">= {_TABLE} times less" if paused else "",
                ok=table >= _TABLE if paused else None,
            )


def _floors(
    samples: Mapping[str, list[Sample]], names: Iterable[str]
) -> Iterator[Line]:
    """Compare with a bare loop over the same libraries."""
    for name in names:
        ours, bare = samples[name], samples[f"bare {name}"]
        ratio = median(ours) / median(bare)
        yield Line(
            item=4,
            what=f"`parse_from_file`, {_ROWS:,} results, {name}; a bare loop over"
            " msgspec and Pydantic",
            ours=spread(ours),
            other=spread(bare),
            ratio=f"{ratio:.2f} times the loop",
            target=f"<= {_FLOOR} times",
            ok=ratio <= _FLOOR and ours[0].answer == bare[0].answer,
        )
