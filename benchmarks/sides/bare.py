"""Loops that do the least that can be done: the floors."""

from __future__ import annotations

import os
from pathlib import Path

import orjson
from _model import PROMPT

__all__ = ["generate"]


def generate(source: str, target: str, frame: str) -> None:
    """Splice each row's id and messages between bytes that never change; write them.

    Args:
        source: JSON lines.
        target: The file to write: no limits, no digest, no row kept.
        frame: A file with one request, `@@` where its id and its messages were.
    """
    head, middle, tail = Path(frame).read_bytes().split(b"@@")
    before = PROMPT.partition("{{ text }}")[0]
    with (
        Path(source).open("rb", buffering=1 << 20) as rows,
        Path(target).open("wb", buffering=1 << 20) as file,
    ):
        for row, line in enumerate(rows):
            name = orjson.dumps(f"0123abcd-{row:09}-0")
            text = before + orjson.loads(line)["text"]
            messages = orjson.dumps([{"role": "user", "content": text}])
            file.write(b"".join((head, name, middle, messages, tail)))
        file.flush()
        os.fsync(file.fileno())
