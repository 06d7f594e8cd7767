"""Applies an answer fault to a good answer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import orjson

from ..faults import AnswerFault
from .answer import Answer

__all__ = ["spoil", "spoil_line", "spoil_usage"]

_HUGE_BYTES = 5_000_000
_REFUSAL = "I'm sorry, but I can't help with that. (synthetic refusal)"


def spoil(answer: Answer, fault: AnswerFault) -> Answer:
    """Return the answer with the fault applied to it."""
    kind = fault.kind
    answer = replace(answer, fault=kind)
    text = answer.text
    if kind == "refusal":
        return replace(answer, text=_REFUSAL, stop="refusal")
    if kind in {"truncated", "incomplete"}:
        return replace(answer, text=text[: len(text) // 2], stop="length")
    if kind == "content_filter":
        return replace(answer, text="", stop="content_filter")
    if kind == "empty":
        return replace(answer, text="", output_tokens=0)
    if kind in _TEXTS:
        return replace(answer, text=_TEXTS[kind](text))
    return answer


def spoil_line(line: bytes, kind: str | None) -> bytes:
    """Return the line of an answer with what encoders do not write."""
    if kind == "control_characters":
        return line.replace(b"\\u0001", b"\x01")
    if kind == "deep":
        return line[:-1] + b',"deep":' + b"[" * 1100 + b"]" * 1100 + b"}"
    return line


def spoil_usage(usage: dict[str, Any], kind: str | None) -> Any:
    """Return the usage of an answer with the fault applied to its counts."""
    if kind == "usage_null":
        return None
    if kind == "usage_empty":
        return {}
    if change := _COUNTS.get(kind):
        return {
            name: change(value) if isinstance(value, int) else value
            for name, value in usage.items()
        }
    if kind == "usage_cached":
        cached = {"cached_tokens": 10**9}
        details = {name: cached for name in usage if name in _READ_DETAILS}
        return {**usage, **(details or {"cache_read_input_tokens": -(10**9)})}
    return usage


def _insert(text: str, member: str) -> str:
    """Add a raw member to a JSON object; prose gets it as text."""
    if not (text.startswith("{") and text.endswith("}")):
        return f"{text} {{{member}}}"
    return text[:-1] + ("" if text == "{}" else ",") + member + "}"


def _loads(text: str) -> Any:
    """Return JSON decoded, and prose as it is."""
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return text


def _swap_case(value: Any) -> Any:
    """Swap the case of every string value, as models do with enums."""
    if isinstance(value, str):
        return value.swapcase()
    if isinstance(value, list):
        return [_swap_case(item) for item in value]
    if isinstance(value, dict):
        return {key: _swap_case(item) for key, item in value.items()}
    return value


def _swap_case_in(text: str) -> str:
    value = _swap_case(_loads(text))
    return value if isinstance(value, str) else orjson.dumps(value).decode()


def _repeat_key(text: str) -> str:
    """Repeat the first member of an object."""
    value = _loads(text)
    if not isinstance(value, dict) or not value:
        return text
    key, first = next(iter(value.items()))
    return _insert(text, orjson.dumps({key: first})[1:-1].decode())


def _add_separators(text: str) -> str:
    """Put characters that look like line ends into a string, or after the text."""
    start, marks = '"synthetic ', "\u2028\u2029\u0085"
    return text.replace(start, start + marks, 1) if start in text else text + marks


_READ_DETAILS = {"prompt_tokens_details", "input_tokens_details"}
_COUNTS: dict[str | None, Callable[[int], Any]] = {
    "usage_float": lambda count: count + 0.5,
    "usage_text": str,
    "usage_negative": lambda count: -1000 - count,
}
_TEXTS: dict[str | None, Callable[[str], str]] = {
    "invalid_json": lambda text: text[: max(1, len(text) * 2 // 3)] + " ...",
    "wrong_shape": lambda _: '{"unexpected":["shape"]}',
    "enum_case": _swap_case_in,
    "duplicate_keys": _repeat_key,
    "separators": _add_separators,
    "control_characters": "{}\x01".format,
    "huge": lambda text: text + " " * (_HUGE_BYTES - len(text)),
    "extra_keys": lambda text: _insert(text, '"not_in_the_schema":true'),
    "nan": lambda text: _insert(text, '"not_a_number":NaN,"infinite":-Infinity'),
    "big_int": lambda text: _insert(text, '"big":123456789012345678901234567890'),
    "lone_surrogate": lambda text: _insert(text, '"half_a_pair":"\\ud800"'),
}
