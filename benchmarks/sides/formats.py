"""Requests encoded and results decoded, in the wire format of one vendor."""

from __future__ import annotations

from pathlib import Path

from _model import Ticket

from batchwright.models import RequestTemplate
from batchwright.providers import get_format, get_vendor

__all__ = ["decode", "encode", "template"]


def template(name: str, model: str) -> RequestTemplate:
    """Return what all requests share."""
    return RequestTemplate(
        model=model,
        endpoint=get_vendor(name).endpoint_for(model),
        system="Classify the ticket.",
        answer_schema=Ticket.model_json_schema(),
        max_tokens=500,
    )


def encode(name: str, model: str, rows: str, target: str) -> dict[str, int]:
    """Messages to request lines."""
    line_of = get_format(name).encoder(template(name, model))
    with Path(target).open("wb", 1 << 20) as file:
        for row in range(int(rows)):
            text = f"Ticket {row}: the café's printer is on fire again. " * 8
            file.write(line_of(f"row-{row:09}", [{"role": "user", "content": text}]))
    return {"rows": int(rows)}


def decode(name: str, path: str) -> dict[str, int]:
    """Result lines to results."""
    read, tokens = get_format(name).decode, 0
    with Path(path).open("rb", 1 << 20) as file:
        for line in file:
            usage = read(line).usage
            tokens += usage.output_tokens if usage else 0
    return {"tokens": tokens}
