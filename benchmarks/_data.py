"""Rows, requests and results as bytes, the same every time."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.parquet as pq

__all__ = [
    "ANSWERS",
    "AWKWARD_EVERY",
    "NONCE",
    "SHARD_ROWS",
    "anthropic_lines",
    "framed_lines",
    "result_lines",
    "rich_lines",
    "texts",
    "write_csv",
    "write_jsonl",
    "write_lines",
    "write_parquet",
    "write_results",
]

NONCE = "0123abcd"
SHARD_ROWS = 50_000

_PLAIN = (
    "the invoice order since yesterday cannot log in thank you refund printer delivery"
    " account update please again when my screen stays dark after login and nobody"
    " answers on the phone, so I write"
)
_AWKWARD = ["Größe", "naïve", "価格", '"quoted"', "line\nbreak", "café", "🙁"]
AWKWARD_EVERY = 10
"""One text in so many is not plain English: most users' are, and none are all."""
_FOREIGN = (
    "die Rechnung für März wurde zweimal bezahlt, bitte überweisen Sie den Betrag"
    " zurück “sofort” 請求書が二重に支払われました 返金してください ログインできません"
    " счёт оплачен дважды пожалуйста верните деньги 🙁 🧾"
)
"""Words of languages that UTF-8 needs more than one byte a character for."""
_TEXTS = 997
ANSWERS = 200
_MONTHS = ("January", "May", "June", "October", "December")
_BUFFER_BYTES = 1 << 20


def texts(rows: int, characters: int = 500, *, foreign: bool = False) -> Iterator[str]:
    """Yield one text per row: no two neighbours are alike."""
    chance = random.Random(7)  # noqa: S311 - test data
    made = []
    for number in range(_TEXTS):
        words = (_FOREIGN if foreign else _PLAIN).split()
        words += [] if number % AWKWARD_EVERY else _AWKWARD
        text = " ".join(chance.choices(words, k=characters // 3))
        made.append(text[:characters])
    for row in range(rows):
        yield made[row % _TEXTS]


def write_lines(path: Path, lines: Iterable[bytes]) -> Path:
    """Write lines that have their newline."""
    with path.open("wb", buffering=_BUFFER_BYTES) as file:
        file.writelines(lines)
    return path


def write_jsonl(path: Path, rows: int, characters: int = 500) -> Path:
    """Write rows with a number and a text."""
    return write_lines(
        path,
        (
            orjson.dumps({"id": row, "text": text}, option=orjson.OPT_APPEND_NEWLINE)
            for row, text in enumerate(texts(rows, characters))
        ),
    )


def write_csv(path: Path, rows: int, characters: int = 500) -> Path:
    """Write the same rows as CSV."""

    def lines() -> Iterator[bytes]:
        yield b"id,text\r\n"
        for row, text in enumerate(texts(rows, characters)):
            cell = text.replace('"', '""')
            yield f'{row},"{cell}"\r\n'.encode()

    return write_lines(path, lines())


def write_parquet(path: Path, rows: int, characters: int = 500) -> Path:
    """Write the same rows as Parquet, uncompressed, so that bytes mean work."""
    schema = pa.schema([("id", pa.int64()), ("text", pa.string())])
    source = texts(rows, characters)
    with pq.ParquetWriter(path, schema, compression="none", use_dictionary=False) as to:
        for start in range(0, rows, 10_000):
            ids = range(start, min(start + 10_000, rows))
            batch = [pa.array(ids, pa.int64()), pa.array([next(source) for _ in ids])]
            to.write_table(pa.table(batch, schema=schema))
    return path


def result_lines(
    rows: Iterable[int], *, tools: bool = False, round_: int = 0
) -> Iterator[bytes]:
    """Yield OpenAI's result lines; in round 0 one in 200 is no valid answer."""
    frames = [
        _frame(content.decode(), *_usage(number), tools=tools)
        for number, content in enumerate(_contents())
    ]
    yield from framed_lines(frames, rows, round_)


def rich_lines(rows: Iterable[int], *, ascii_only: bool) -> Iterator[bytes]:
    """Yield OpenAI's result lines with answers for `_rich.Claim`, all of them valid."""
    contents = [_claim(number, ascii_only=ascii_only) for number in range(ANSWERS)]
    frames = [
        _frame(orjson.dumps(content).decode(), *_usage(number), tools=False)
        for number, content in enumerate(contents)
    ]
    yield from framed_lines(frames, rows, 0)


def anthropic_lines(rows: Iterable[int]) -> Iterator[bytes]:
    """Yield Anthropic's result lines, with the same answers as inputs of a tool."""
    frames = [
        _anthropic_frame(content, *_usage(number))
        for number, content in enumerate(_contents())
    ]
    yield from framed_lines(frames, rows, 0)


def framed_lines(
    frames: list[tuple[bytes, bytes]], rows: Iterable[int], round_: int
) -> Iterator[bytes]:
    """Yield a line for each row, its `custom_id` between two halves of a frame."""
    for row in rows:
        head, tail = frames[(row + round_) % len(frames)]
        yield b"%s%s-%09d-%d%s" % (head, NONCE.encode(), row, round_, tail)


def _contents() -> list[bytes]:
    """Return answers of which no two are alike; the last one is not valid."""
    answers = [_answer(number) for number in range(ANSWERS)]
    answers[-1]["category"] = "weather"
    return [*map(orjson.dumps, answers)]


def _answer(number: int) -> dict[str, Any]:
    month = _MONTHS[number % len(_MONTHS)]
    awkward = number % AWKWARD_EVERY == 0
    return {
        "category": ("billing", "bug", "question", "praise")[number % 4],
        "urgency": 1 + number % 5,
        "summary": f"Invoice {number} of {month} was paid twice, once by card and once"
        " by bank transfer; the customer wants the second payment back before the end"
        " of the month, and asks for a corrected invoice.",
        "language": "“Größe”, 価格 🙁" if awkward else ("en", "de", "fr")[number % 3],
        "sentiment": number / ANSWERS,
        "tags": ["invoice", "refund", "double payment", month],
        "escalate": number % 7 == 0,
        "company": {
            "name": f"Example {number}",
            "country": "DE" if number % 2 else None,
            "employees": number if number % 3 == 0 else None,
        },
    }


def _claim(number: int, *, ascii_only: bool) -> dict[str, Any]:
    town = (
        "Munich" if ascii_only else ("München", "大阪市", "Київ", "القاهرة")[number % 4]
    )
    person = {"name": f"Jan {town} {number}", "born": f"19{10 + number % 90}-03-14"}
    levels = ("low", "medium", "high")
    return {
        "title": f"Water damage in {town}, claim {number}: " + f"{town} pipe " * 8,
        "severity": levels[number % 3],
        "reported_at": f"2026-11-{1 + number % 28:02}T08:30:00+01:00",
        "incident": f"2026-10-{1 + number % 28:02}",
        "claimant": {**person, "languages": ["de", "en"] if number % 2 else None},
        "witnesses": [person] * (number % 3) or None,
        "items": [
            {
                "label": f"{town} {index}",
                "severity": levels[index % 3],
                "price": index * 12.5,
                "bought": f"2020-01-{1 + index:02}" if index % 2 else None,
            }
            for index in range(1 + number % 4)
        ],
        "notes": {"room": f"{town} kitchen", "floor": str(number % 5)},
    }


def _usage(number: int) -> tuple[int, int]:
    """Return the tokens that an answer of this number took."""
    return 480 + number, 140 + number % 60


def _anthropic_frame(content: bytes, read: int, written: int) -> tuple[bytes, bytes]:
    use = {"type": "tool_use", "id": "toolu_0123456789abcdefghijklmn", "name": "Ticket"}
    usage = {
        "input_tokens": read,
        "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": 0,
        "output_tokens": written,
        "service_tier": "batch",
    }
    message = {
        "id": "msg_0123456789abcdefghijklmn",
        "type": "message",
        "role": "assistant",
        "model": "claude-sonnet-5",
        "content": [{**use, "input": orjson.Fragment(content)}],
        "stop_reason": "tool_use",
        "stop_sequence": None,
        "usage": usage,
    }
    line = {"custom_id": "@@", "result": {"type": "succeeded", "message": message}}
    head, tail = orjson.dumps(line).split(b"@@")
    return head, tail + b"\n"


def _frame(
    content: str, read: int, written: int, *, tools: bool
) -> tuple[bytes, bytes]:
    message: dict[str, Any] = {"role": "assistant", "content": content}
    message |= {"refusal": None, "annotations": []}
    if tools:
        function = {"name": "Ticket", "arguments": content}
        call = {"id": "call_0", "type": "function", "function": function}
        message = {"role": "assistant", "content": None, "tool_calls": [call]}
    usage = {
        "prompt_tokens": read,
        "completion_tokens": written,
        "total_tokens": read + written,
        "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 0},
        "completion_tokens_details": {
            "reasoning_tokens": 64,
            "audio_tokens": 0,
            "accepted_prediction_tokens": 0,
            "rejected_prediction_tokens": 0,
        },
    }
    body = {
        "id": "chatcmpl-D0123456789abcdefghijklmnopqr",
        "object": "chat.completion",
        "created": 1_760_000_000,
        "model": "gpt-5-mini-2025-08-07",
        "choices": [
            {"index": 0, "message": message, "logprobs": None, "finish_reason": "stop"}
        ],
        "usage": usage,
        "service_tier": "default",
        "system_fingerprint": "fp_0123456789",
    }
    response = {
        "status_code": 200,
        "request_id": "0123456789abcdef0123456789abcdef",
        "body": body,
    }
    line = {"id": "batch_req_0123456789abcdef0123456789abcdef", "custom_id": "@@"}
    head, tail = orjson.dumps(line | {"response": response, "error": None}).split(b"@@")
    return head, tail + b"\n"


def write_results(
    path: Path, rows: Iterable[int], *, tools: bool = False, round_: int = 0
) -> Path:
    """Write the results of these rows, in this order."""
    return write_lines(path, result_lines(rows, tools=tools, round_=round_))
