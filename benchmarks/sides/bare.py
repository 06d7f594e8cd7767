"""Loops that do the least that can be done: the floors."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import orjson
from _data import texts
from _model import PROMPT, Ticket
from _rich import Claim
from pydantic import ValidationError

__all__ = ["conversations", "dumps", "generate", "parse", "splice"]

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


def conversations(rows: str, foreign: str) -> Iterator[list[dict[str, Any]]]:
    """Yield the messages that requests are made of, here and by batchwright."""
    for text in texts(int(rows), foreign=foreign == "foreign"):
        yield [{"role": "user", "content": f"Fill in the form: {text}"}]


def dumps(rows: str, foreign: str, example: str, target: str) -> None:
    """Encode one dict per request.

    Args:
        rows: How many.
        foreign: Whether the texts are `foreign` or `plain`.
        example: A file with one request of ours.
        target: The file to write.
    """
    request = orjson.loads(Path(example).read_bytes())
    body = request["body"]
    lines = (
        orjson.dumps(
            {
                "custom_id": f"row-{row:09}",
                "method": "POST",
                "url": "/v1/chat/completions",
                "body": {**body, "messages": messages},
            },
            option=orjson.OPT_APPEND_NEWLINE,
        )
        for row, messages in enumerate(conversations(rows, foreign))
    )
    _write(target, lines)


def splice(rows: str, foreign: str, example: str, target: str) -> None:
    """Encode the messages of a request, and put them into bytes that never change."""
    line = Path(example).read_bytes()
    request = orjson.loads(line)
    for differs in (request["custom_id"], request["body"]["messages"]):
        line = line.replace(orjson.dumps(differs), b"@@", 1)
    head, middle, tail = line.split(b"@@")
    lines = (
        b"".join((head, b'"row-%09d"' % row, middle, orjson.dumps(messages), tail))
        for row, messages in enumerate(conversations(rows, foreign))
    )
    _write(target, lines)


def _write(target: str, lines: Iterable[bytes]) -> None:
    with Path(target).open("wb", buffering=1 << 20) as file:
        file.writelines(lines)
        file.flush()
        os.fsync(file.fileno())
