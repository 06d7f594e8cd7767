"""Loops that do the least that can be done: the floors."""

from __future__ import annotations

import os
from pathlib import Path

import msgspec
import orjson
from _model import PROMPT, Ticket
from _rich import Claim
from pydantic import ValidationError

__all__ = ["generate", "parse"]

_MODELS = {"Claim": Claim, "Ticket": Ticket}


class _Message(msgspec.Struct):
    content: str


class _Choice(msgspec.Struct):
    message: _Message


class _Body(msgspec.Struct):
    choices: list[_Choice]


class _Response(msgspec.Struct):
    body: _Body


class _Line(msgspec.Struct):
    response: _Response


def parse(source: str, model: str) -> dict[str, int]:
    """A result file to model instances, with typed decoding and one check a line."""
    decode = msgspec.json.Decoder(_Line).decode
    validate = _MODELS[model].model_validate_json
    good, bad = [], []
    with Path(source).open("rb", buffering=1 << 20) as file:
        for line in file:
            try:
                content = decode(line).response.body.choices[0].message.content
                good.append(validate(content))
            except ValidationError:
                bad.append(orjson.loads(line))
    return {"good": len(good), "bad": len(bad)}


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
