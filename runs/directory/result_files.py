"""The files that hold results of a shard's rows, of whichever round."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ...data.prices import REALTIME
from .reading import damaged
from .run import Run
from .shard import TAKEN, TAKEN_INDEX, Shard

__all__ = ["result_files"]


def result_files(run: Run, shard: Shard) -> Iterator[tuple[Shard, str, str]]:
    """Yield sender, name and batch of the files that hold results of this shard's rows.

    Looks at the shard alone, first round first: a run may have thousands of shards.
    """
    for number, batch_id in _downloaded(shard).items():
        yield shard, f"{shard.path}/attempts/{number:03}.output.jsonl", batch_id
    folder = f"{shard.path}/results"
    for name in sorted(run.directory.at(folder).names(), key=_in_order):
        if f"results/{name}" in {TAKEN, TAKEN_INDEX}:
            continue
        # `rounds-1-00000-000.jsonl`: attempt 0 of the shard rounds/1/00000
        path, _, attempt = name.removesuffix(".jsonl").rpartition("-")
        sender = run.shard(path.replace("-", "/"))
        if int(attempt) in (batches := _downloaded(sender)):
            yield sender, f"{folder}/{name}", batches[int(attempt)]


def _downloaded(shard: Shard) -> dict[int, str]:
    """Return number and batch of the attempts whose results are on disk."""
    batches: dict[int, str] = {}
    for attempt in shard.attempts.all:
        if attempt.verdict and attempt.verdict.has_results:
            if attempt.intent.realtime:
                batches[attempt.number] = REALTIME
                continue
            if attempt.batch is None:
                name = shard.attempts.name(attempt.number, "batch")
                raise damaged(shard.attempts.directory, name, "it is missing")
            batches[attempt.number] = attempt.batch.id
    return batches


def _in_order(name: str) -> tuple[bool, list[int]]:
    return name.startswith("rounds-"), [*map(int, re.findall(r"\d+", name))]
