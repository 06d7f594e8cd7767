"""instructor 1.17: its `BatchProcessor`. Run by an interpreter that has it."""

from __future__ import annotations

import json
from pathlib import Path

from _model import PROMPT, Ticket
from instructor.batch import BatchJob, BatchProcessor

__all__ = ["generate", "parse", "parse_with_ids"]


def generate(source: str, target: str) -> None:
    """Rows to a request file."""
    with Path(source).open("rb") as file:
        texts = [
            PROMPT.replace("{{ text }}", json.loads(line)["text"]) for line in file
        ]
    messages = [[{"role": "user", "content": text}] for text in texts]
    processor = BatchProcessor("openai/gpt-5-mini", Ticket)
    processor.create_batch_from_messages(messages, target)


def parse_with_ids(source: str) -> dict[str, int]:
    """A result file to model instances, each beside its `custom_id`."""
    processor = BatchProcessor("openai/gpt-5-mini", Ticket)
    results = processor.parse_results(Path(source).read_text(encoding="utf-8"))
    good = sum(each.success for each in results)
    return {"good": good, "bad": len(results) - good}


def parse(source: str) -> dict[str, int]:
    """A result file to model instances."""
    good, bad = BatchJob.parse_from_file(source, Ticket)
    return {"good": len(good), "bad": len(bad)}
