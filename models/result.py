"""What became of one request."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Generic, TypeVar

import msgspec

__all__ = ["Answer", "BatchResult", "Outcome", "Usage"]

Value = TypeVar("Value")


class Outcome(StrEnum):
    """How one request ended; every row of a run has exactly one."""

    SUCCEEDED = "succeeded"
    INVALID = "invalid"
    """Answered, but not with what the response model asks for."""
    REFUSED = "refused"
    TRUNCATED = "truncated"
    ERRORED = "errored"
    EXPIRED = "expired"
    CANCELLED = "cancelled"
    MISSING = "missing"
    """A complete download held no line for it."""


class Usage(msgspec.Struct, gc=False):
    """Tokens as billed; `input_tokens` is the whole input, cached parts included."""

    input_tokens: int = 0
    output_tokens: int = 0
    cache_read_tokens: int = 0
    cache_write_tokens: int = 0
    cache_write_1h_tokens: int = 0
    """Those of the written ones that are kept for an hour, which costs more."""


class BatchResult(msgspec.Struct, gc=False):
    """One decoded result line, not yet validated against a response model."""

    custom_id: str | None
    """None where the line names no request."""
    outcome: Outcome
    text: str | None = None
    """The answer as text: prose, or JSON when an answer schema was asked for."""
    data: Any = None
    """The answer where the wire carries it decoded: an embedding; from some servers
    that imitate OpenAI, a call's arguments."""
    error: str | None = None
    """The provider's own words where the outcome is not `succeeded`."""
    retryable: bool = False
    """Whether the same request may succeed in another batch."""
    usage: Usage | None = None
    model: str | None = None
    """The model that answered, as the provider names it."""


@dataclass(frozen=True, slots=True)
class Answer(Generic[Value]):
    """One result line, validated."""

    custom_id: str | None
    """None where the line names no request."""
    outcome: Outcome
    value: Value | None
    """The valid answer: a model instance, text, or JSON; None for any other outcome."""
    error: str | None
    """Why there is no valid answer."""
    usage: Usage | None
    """None where the provider reports none."""
