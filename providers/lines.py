"""Request and result lines as bytes: splicing what is constant, reading with care."""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from typing import Any

import msgspec
import orjson

from ..errors import InputError

__all__ = [
    "BOM",
    "UNSENDABLE",
    "deep_merge",
    "frame",
    "load_result",
    "slot",
    "tokens",
    "unsendable",
]

BOM = b"\xef\xbb\xbf"

UNSENDABLE = (AttributeError, InputError, KeyError, TypeError)
"""What encoding a row raises when its messages are not what they should be."""


def slot() -> str:
    """Return a mark that stands in a frame where each row has its own value."""
    return secrets.token_hex(16)


def frame(document: Mapping[str, Any], *slots: str) -> list[bytes]:
    """Encode `document` once and cut it at its slots, which stand in this order.

    Raises:
        InputError: It holds something that is not JSON or not UTF-8.
    """
    try:
        rest = orjson.dumps(document)
    except TypeError as exc:
        raise InputError(f"The job cannot be written as JSON: {exc}.") from exc
    pieces = []
    for mark in slots:
        piece, _, rest = rest.partition(b'"%b"' % mark.encode())
        pieces.append(piece)
    return [*pieces, rest]


def unsendable(custom_id: str, cause: Exception) -> InputError:
    """Return the error for a row that makes no request: it names the request."""
    said = f"a message has no {cause}" if isinstance(cause, KeyError) else str(cause)
    return InputError(f"Request {custom_id!a} cannot be sent: {said.rstrip('.')}.")


def deep_merge(ours: dict[str, Any], theirs: Mapping[str, Any]) -> dict[str, Any]:
    """Return both, `theirs` winning; objects that both hold are merged."""
    merged = dict(ours)
    for key, value in theirs.items():
        mine = merged.get(key)
        both = isinstance(mine, dict) and isinstance(value, Mapping)
        merged[key] = deep_merge(mine or {}, value) if both else value
    return merged


def load_result(line: bytes) -> Any:
    """Parse a result line, also one that is JSON in Python's eyes only.

    Providers have sent NaN, raw control characters and lone surrogates; an
    answer that was paid for is not given up for them.

    Raises:
        ValueError: It is no JSON at all, or nested too deeply.
    """
    try:
        return _load(line)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def tokens(value: Any) -> int:
    """Return a count of tokens; what is no count counts as none."""
    return value if type(value) is int else 0


def _load(line: bytes) -> Any:
    try:
        return msgspec.json.decode(line)  # whole numbers of any size stay exact
    except ValueError:
        text = line.removeprefix(BOM).decode("utf-8", "replace")
        return _to_utf8(json.loads(text, strict=False))


def _to_utf8(value: Any) -> Any:
    """Replace lone surrogates, which no UTF-8 file can hold, by U+FFFD."""
    if isinstance(value, str):
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, list):
        return [_to_utf8(item) for item in value]
    if isinstance(value, dict):
        return {_to_utf8(key): _to_utf8(item) for key, item in value.items()}
    return value
