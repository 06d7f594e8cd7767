"""Loops that do the least that can be done: the floors."""

from __future__ import annotations

from pathlib import Path

import orjson
from _model import PROMPT

__all__ = ["generate"]


def generate(source: str, target: str, frame: str) -> None:
    """Splice each row's message between bytes that never change, and write it.

    Args:
        source: JSON lines.
        target: The file to write: no limits, no digest.
        frame: A file with one request, its id `@@` and its text `@@`.
    """
    head, middle, tail = Path(frame).read_bytes().split(b"@@")
    before = PROMPT.partition("{{ text }}")[0]
    with (
        Path(source).open("rb") as rows,
        Path(target).open("wb", buffering=1 << 20) as file,
    ):
        for row, line in enumerate(rows):
            text = orjson.dumps(before + orjson.loads(line)["text"])
            file.write(
                head + b"%s-%09d-0" % (b"0123abcd", row) + middle + text[1:-1] + tail
            )
