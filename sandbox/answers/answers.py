"""What is asked and what is said, free of any vendor's shape."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Literal

import orjson

from ..faults import AnswerFault
from .sample import sample

__all__ = [
    "SYNTHETIC",
    "Ask",
    "Asked",
    "Failure",
    "Said",
    "Say",
    "dice_of",
    "spoil",
    "synthetic",
    "tokens_of",
]


@dataclass(frozen=True)
class Asked:
    """One request, read for what matters to an answer."""

    custom_id: str
    model: str
    messages: list[dict[str, Any]]
    """As the chat API has them; what Anthropic's requests become."""
    schema: dict[str, Any] | None = None
    """What the answer must satisfy; None: prose."""
    tool: str | None = None
    """The function that must be called with it."""
    max_tokens: int | None = None
    input_tokens: int = 1
    temperature: float | None = None


@dataclass(frozen=True)
class Said:
    """An answer."""

    text: str
    """Prose, or JSON where a schema was asked for."""
    stop: Literal["stop", "length", "refusal", "content_filter"] = "stop"
    input_tokens: int = 1
    output_tokens: int = 1
    kind: str | None = None
    """The fault that happened to it; some show only in the vendor's shape."""


@dataclass(frozen=True)
class Failure:
    """A request that fails with an HTTP status of its own."""

    status: int
    message: str
    param: str | None = None
    code: str | None = None


Say = Callable[[Asked, random.Random], "Said | Failure"]
"""Answers one request: `synthetic`, or a call to an upstream."""


@dataclass(frozen=True)
class Ask:
    """Who answers, and how many requests of a batch it takes at a time."""

    say: Say
    at_once: int = 1


def dice_of(*key: object) -> random.Random:
    """Return a dice that falls the same way for the same key."""
    digest = hashlib.blake2b(repr(key).encode(), digest_size=8).digest()
    return random.Random(int.from_bytes(digest))  # noqa: S311 - reproducible


def tokens_of(text: str | bytes) -> int:
    """Estimate tokens: four characters each, at least one."""
    return max(1, len(text) // 4)


def synthetic(asked: Asked, dice: random.Random) -> Said:
    """Make an answer up: valid for the schema, and plainly not a model's."""
    if asked.schema is None:
        text = (
            f"Synthetic answer of the batchwright sandbox to: {_prompt(asked)[:80]!r}"
        )
    else:
        text = orjson.dumps(sample(asked.schema, dice)).decode()
    output = tokens_of(text)
    if asked.max_tokens:
        output = min(output, asked.max_tokens)
    return Said(text, "stop", asked.input_tokens, output)


SYNTHETIC = Ask(synthetic)
"""Answers out of nothing."""


def _prompt(asked: Asked) -> str:
    for message in reversed(asked.messages):
        content = message.get("content")
        if isinstance(content, str):
            return content
        if isinstance(content, list):
            for part in content:
                if isinstance(part, dict) and isinstance(part.get("text"), str):
                    return str(part["text"])
    return ""


_HUGE_BYTES = 5_000_000
_REFUSAL = "I'm sorry, but I can't help with that. (synthetic refusal)"


def spoil(said: Said, fault: AnswerFault) -> Said:  # noqa: PLR0911 - one per kind
    """Let `fault` happen to a good answer."""
    kind = fault.kind
    said = replace(said, kind=kind)
    if kind == "refusal":
        return replace(said, text=_REFUSAL, stop="refusal")
    if kind in {"truncated", "incomplete"}:
        return replace(said, text=said.text[: len(said.text) // 2], stop="length")
    if kind == "content_filter":
        return replace(said, text="", stop="content_filter")
    if kind == "empty":
        return replace(said, text="", output_tokens=0)
    if kind in _TEXTS:
        return replace(said, text=_TEXTS[kind](said.text))
    if kind in _FIELDS:
        return replace(said, text=_splice(said.text, _FIELDS[kind]))
    return said


def _splice(text: str, field: str) -> str:
    """Add a raw member to a JSON object; prose gets it as text."""
    if not (text.startswith("{") and text.endswith("}")):
        return f"{text} {{{field}}}"
    return text[:-1] + ("," if len(text) > 2 else "") + field + "}"  # noqa: PLR2004 - "{}"


def _swap_case(text: str) -> str:
    """Drift the case of every string value, as models do with enums."""
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError:
        return text.swapcase()
    return orjson.dumps(_swapped(value)).decode()


def _swapped(value: Any) -> Any:
    if isinstance(value, str):
        return value.swapcase()
    if isinstance(value, list):
        return [_swapped(item) for item in value]
    if isinstance(value, dict):
        return {key: _swapped(item) for key, item in value.items()}
    return value


def _twice(text: str) -> str:
    """Repeat the first member of an object under the same key."""
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError:
        return text
    if not isinstance(value, dict) or not value:
        return text
    key, first = next(iter(value.items()))
    return _splice(text, orjson.dumps({key: first})[1:-1].decode())


def _separated(text: str) -> str:
    """Put what only looks like line ends into a string value, or after the text."""
    free, marks = '"synthetic ', "\u2028\u2029\u0085"
    return text.replace(free, free + marks, 1) if free in text else text + marks


_TEXTS: dict[str, Callable[[str], str]] = {
    "invalid_json": lambda text: text[: max(1, len(text) * 2 // 3)] + " ...",
    "wrong_shape": lambda _: '{"unexpected":["shape"]}',
    "enum_case": _swap_case,
    "duplicate_keys": _twice,
    "separators": _separated,
    "control_characters": "{}\x01".format,
    "huge": lambda text: text + " " * (_HUGE_BYTES - len(text)),
}
_FIELDS = {
    "extra_keys": '"not_in_the_schema":true',
    "nan": '"not_a_number":NaN,"infinite":-Infinity',
    "big_int": '"big":123456789012345678901234567890',
    "lone_surrogate": '"half_a_pair":"\\ud800"',
}
