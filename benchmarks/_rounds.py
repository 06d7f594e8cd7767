"""A shard's results of two rounds."""

from __future__ import annotations

import random
from pathlib import Path

import orjson
from _data import framed_lines, write_lines, write_results

__all__ = ["write_rounds", "write_two_rounds"]


def write_two_rounds(folder: Path, first: int, rows: int) -> None:
    """Write a shard's results: every row errored, then answered; both shuffled."""
    chance = random.Random(first)  # noqa: S311 - test data
    order = list(range(first, first + rows))
    chance.shuffle(order)
    write_lines(folder / "round-0.jsonl", framed_lines([_errored()], order, 0))
    chance.shuffle(order)
    write_results(folder / "round-1.jsonl", order, round_=1)


def _errored() -> tuple[bytes, bytes]:
    error = {"message": "The server had an error while processing your request."}
    response = {
        "status_code": 500,
        "request_id": "0123456789abcdef0123456789abcdef",
        "body": {"error": error | {"type": "server_error", "code": None}},
    }
    line = {"id": "batch_req_0123456789abcdef0123456789abcdef", "custom_id": "@@"}
    head, tail = orjson.dumps(line | {"response": response, "error": None}).split(b"@@")
    return head, tail + b"\n"


def write_rounds(folder: Path, first: int, rows: int) -> None:
    """Write a shard's results: shuffled, with a further round for what was invalid."""
    order = list(range(first, first + rows))
    random.Random(first).shuffle(order)  # noqa: S311 - test data
    write_results(folder / "round-0.jsonl", order)
    again = [row for row in order if row % 200 == 199]  # noqa: PLR2004 - as above
    write_results(folder / "round-1.jsonl", again, round_=1)
