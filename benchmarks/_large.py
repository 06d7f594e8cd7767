"""A shard's results of which some are very long."""

from __future__ import annotations

import random
from itertools import islice
from pathlib import Path

from _data import ANSWERS, AWKWARD_EVERY, result_lines, write_lines

__all__ = ["KINDS", "write_large"]

_TEXTS = {
    "ASCII": "x",
    "Cyrillic": "счёт оплачен дважды ",
    "emoji": "🙁",
}
"""What large answers consist of.

Where ASCII has one emoji, a `str` takes four bytes a character: 200 MB for 50 MB. An
answer like that cannot be validated in less, since the class gets a `str`.
"""
_FAULTS = {
    "valid": (b"@@", b"@@"),
    "invalid": (rb"\"urgency\":", rb"\"haste\":"),
    "no JSON": (b'}","refusal"', b'","refusal"'),
    "truncated": (b'"finish_reason":"stop"', b'"finish_reason":"length"'),
}
"""What is replaced in a result line."""
KINDS = (
    ("ASCII", "valid"),
    ("ASCII", "invalid"),
    ("ASCII", "no JSON"),
    ("Cyrillic", "valid"),
    ("Cyrillic", "invalid"),
    ("Cyrillic", "truncated"),
    ("emoji", "valid"),
)
"""Text and fault of the large answers that are measured."""


def write_large(
    folder: Path, rows: int, large: int, megabytes: int, kind: tuple[str, str]
) -> None:
    """Write a shard's results, of which some are large.

    Args:
        folder: The shard's.
        rows: In the shard.
        large: How many are large.
        megabytes: Of each of them, in UTF-8.
        kind: One of `KINDS`.
    """
    order = list(range(rows))
    random.Random(0).shuffle(order)  # noqa: S311 - test data
    valid = (row for row in order if row % ANSWERS != ANSWERS - 1)
    plain = (row for row in valid if row % AWKWARD_EVERY)
    chosen = {*islice(plain, large)}
    text = _TEXTS[kind[0]].encode()
    long = text * ((megabytes << 20) // len(text))
    lines = (
        line.replace(*_FAULTS[kind[1]]).replace(b"a corrected invoice", long)
        if row in chosen
        else line
        for row, line in zip(order, result_lines(order), strict=True)
    )
    write_lines(folder / "round-0.jsonl", lines)
