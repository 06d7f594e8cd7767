"""instructor 1.8: its `BatchJob`. Run by an interpreter that has it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from _model import PROMPT, Ticket
from instructor.batch import BatchJob

__all__ = ["generate", "parse"]


def generate(source: str, target: str) -> None:
    """Rows to a request file."""

    def messages() -> Iterator[list[dict[str, str]]]:
        with Path(source).open("rb") as file:
            for line in file:
                text = PROMPT.replace("{{ text }}", json.loads(line)["text"])
                yield [{"role": "user", "content": text}]

    BatchJob.create_from_messages(messages(), "gpt-5-mini", Ticket, target)


def parse(source: str) -> dict[str, int]:
    """A result file to model instances."""
    good, bad = BatchJob.parse_from_file(source, Ticket)
    return {"good": len(good), "bad": len(bad)}
