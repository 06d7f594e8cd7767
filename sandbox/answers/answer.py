"""Questions and answers in a form that belongs to no vendor."""

from __future__ import annotations

import hashlib
import json
import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import orjson

from .sample import sample

__all__ = [
    "SYNTHETIC",
    "Answer",
    "AnswerSource",
    "Failure",
    "Question",
    "estimate_tokens",
    "safe_text",
    "seeded",
    "synthetic_answer",
]


@dataclass(frozen=True)
class Question:
    """What one request asks for."""

    model: str
    messages: list[dict[str, Any]]
    """In the form of the chat API, whatever the vendor."""
    schema: dict[str, Any] | None = None
    """JSON Schema of the answer; None asks for prose."""
    tool: str | None = None
    """The function that must be called with the answer."""
    max_tokens: int | None = None
    input_tokens: int = 1
    temperature: float | None = None


@dataclass(frozen=True)
class Answer:
    """What a model, or the sandbox in its place, answers."""

    text: str
    """Prose, or JSON if the question has a schema."""
    stop: Literal["stop", "length", "refusal", "content_filter"] = "stop"
    input_tokens: int = 1
    output_tokens: int = 1
    fault: str | None = None
    """Kind of the fault applied to it; some faults appear only in the vendor's form."""


@dataclass(frozen=True)
class Failure:
    """A request that fails with an HTTP status of its own."""

    status: int
    message: str
    param: str | None = None
    code: str | None = None


@dataclass(frozen=True)
class AnswerSource:
    """Answers questions; `random.Random` is seeded by the request."""

    answer: Callable[[Question, random.Random], Answer | Failure]
    concurrency: int = 1
    """Questions of one batch that may be open at the same time."""
    word: str = "sandbox"
    """Part of every batch ID; reports call answers synthetic if it is `sandbox`."""


def seeded(*key: object) -> random.Random:
    """Return a random generator that depends on the key alone, in every process."""
    digest = hashlib.blake2b(repr(key).encode(), digest_size=8).digest()
    return random.Random(int.from_bytes(digest))  # noqa: S311 - reproducible


def estimate_tokens(text: str | bytes) -> int:
    """Estimate tokens: four characters each, at least one."""
    return max(1, len(text) // 4)


def safe_text(text: str) -> Any:
    """Return text that orjson can write, even with half of a surrogate pair."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return orjson.Fragment(json.dumps(text))
    return text


def synthetic_answer(question: Question, rng: random.Random) -> Answer:
    """Generate an answer that is valid for the schema and says that it is synthetic."""
    if question.schema is None:
        prompt = _prompt(question)[:80]
        text = f"Synthetic answer of the batchwright sandbox to: {prompt!r}"
    else:
        text = orjson.dumps(sample(question.schema, rng)).decode()
    tokens = estimate_tokens(text)
    if question.max_tokens:
        tokens = min(tokens, question.max_tokens)
    return Answer(text, "stop", question.input_tokens, tokens)


SYNTHETIC = AnswerSource(synthetic_answer)
"""Generates answers without any model."""


def _prompt(question: Question) -> str:
    """Return the text of the last message that has one."""
    for message in reversed(question.messages):
        content = message.get("content")
        if isinstance(content, str):
            return content
        for part in content if isinstance(content, list) else ():
            if isinstance(part, dict) and isinstance(part.get("text"), str):
                return str(part["text"])
    return ""
