"""What the sandbox does wrong, as data: a fault file is one `Faults`.

Every choice is seeded: the same file against the same calls gives the same faults.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

__all__ = [
    "AnswerFault",
    "BatchFault",
    "CallFault",
    "Durations",
    "FailedFile",
    "Faults",
    "Limits",
    "LineFaults",
    "When",
]

Vendor = Literal["openai", "anthropic"]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class When(_Part):
    """Which ones a rule is for: all conditions given must hold; none means all.

    Calls and batches are counted from the moment the faults were set, lines within
    their batch. All counts start at 1.
    """

    nth: tuple[int, ...] = ()
    first: int | None = Field(default=None, ge=1)
    every: int | None = Field(default=None, ge=1)
    probability: float | None = Field(default=None, ge=0, le=1)

    def picks(self, number: int, *key: object) -> bool:
        """Whether the `number`-th one is meant; `key` seeds the probability."""
        if self.nth and number not in self.nth:
            return False
        if self.first is not None and number > self.first:
            return False
        if self.every is not None and number % self.every:
            return False
        if self.probability is None:
            return True
        dice = random.Random(repr((*key, number)))  # noqa: S311 - reproducible
        return dice.random() < self.probability


class CallFault(When):
    """What goes wrong with an HTTP call."""

    operation: Literal[
        "any",
        "upload",  # POST /files and /uploads
        "file",  # GET /files, /files/ID
        "create",
        "retrieve",
        "list",
        "cancel",
        "download",  # a file's content, a batch's results
        "delete",
    ] = "any"
    provider: Vendor | None = None
    do: Literal[
        "status",  # answer with `status` and the provider's error envelope
        "drop",  # close the connection without an answer
        "stall",  # wait `seconds`, then answer
        "slow",  # spread the answer's body over `seconds`
        "cut",  # stop after `keep` of the body; Content-Length says more
        "cut_unframed",  # the same without any length, so nothing tells
        "bad_json",  # 200 with half a JSON document
        "html",  # 200 with a web page
        "no_has_more",  # a list without `has_more`
        "empty_page",  # a list without items that claims there are more
        "repeat_page",  # a list whose items come twice
    ]
    after: bool | None = None
    """Whether the call does its work before it goes wrong; by default a lost or
    garbled answer does, a status or a dropped connection does not."""
    status: int = Field(default=503, ge=300, le=599)
    code: str | None = None
    """The error's `code` (OpenAI) or `type` (Anthropic); None: as the status has it."""
    message: str | None = None
    details: Mapping[str, str] | None = None
    """Anthropic's `error.details`, such as the `error_code` of a spend limit."""
    headers: Mapping[str, str] = {}
    retry_after_seconds: float | None = None
    retry_after_ms: int | None = None
    retry_after_date_seconds: float | None = None
    """Sent as an HTTP date this far in the future."""
    should_retry: bool | None = None
    """Sent as `x-should-retry`."""
    seconds: float = Field(default=1, ge=0)
    """Real seconds, not virtual ones."""
    keep: float = Field(default=0.5, ge=0, le=1)
    """Share of the body that arrives."""


class AnswerFault(When):
    """What goes wrong with the answers to single requests."""

    status: int | None = Field(default=None, ge=400, le=599)
    """The request fails with this HTTP status."""
    message: str | None = None
    kind: (
        Literal[
            "refusal",
            "truncated",
            "content_filter",
            "empty",
            "invalid_json",
            "wrong_shape",
            "enum_case",
            "extra_keys",
            "nan",
            "duplicate_keys",
            "big_int",
            "lone_surrogate",
            "separators",  # raw U+2028, U+2029 and U+0085 in the text
            "control_characters",  # raw, so the line is not strict JSON
            "huge",  # a line of 5 MB
            "two_answers",  # two choices, or two tool calls
            "commentary",  # the Responses API says something before its answer
            "incomplete",
            "failed",
            "null_response",
            "both_null",
            "status_zero",
            "unknown_type",
            "expired",  # this request alone never ran
            "cancelled",
        ]
        | None
    ) = None


class LineFaults(_Part):
    """What goes wrong with the lines of a result file."""

    shuffle: bool = True
    """Both providers answer in any order, so this is on even without faults."""
    duplicate: When | None = None
    missing: When | None = None
    foreign_id: When | None = None
    null_id: When | None = None
    crlf: bool = False
    bom: bool = False
    blank_lines: bool = False
    end: Literal["newline", "none", "double"] = "newline"


class Durations(_Part):
    """How long each state lasts, in virtual seconds."""

    validating: float = Field(default=0.02, ge=0)
    in_progress: float = Field(default=0.2, ge=0)
    """Of a whole batch, however many requests; over 24 h it expires."""
    finalizing: float = Field(default=0.02, ge=0)
    cancelling: float = Field(default=0.05, ge=0)


class FailedFile(_Part):
    """One reason for refusing a request file as a whole (OpenAI)."""

    code: str = "invalid_request"
    message: str = "The sandbox was told to refuse this file."
    param: str | None = None
    line: int | None = Field(default=None, ge=1)


class BatchFault(When):
    """What goes wrong with a whole batch."""

    provider: Vendor | None = None
    fail: tuple[FailedFile, ...] = ()
    end: Literal["completed", "expired", "cancelled"] = "completed"
    ran: float = Field(default=0.5, ge=0, le=1)
    """Share of the requests that run before a batch ends as expired or cancelled."""
    durations: Durations | None = None
    counts: Literal["null", "missing", "zero", "null_members"] | None = None
    metadata: Literal["null", "missing"] | None = None
    expires_at: Literal["null"] | None = None
    error_file: Literal["missing", "empty_string", "zero_bytes"] | None = None
    status: str | None = None
    """An unknown word while the batch is running."""
    results_url: str | None = None
    """Replaces Anthropic's, with `HOST` and `ID` filled in."""
    lines: LineFaults = LineFaults()
    answers: tuple[AnswerFault, ...] = ()
    """The first one that picks a line is the one that happens to it."""


class Limits(_Part):
    """What an account may have open at once, and what one batch may hold."""

    openai_enqueued_tokens: int | None = Field(default=None, ge=0)
    """Per model; more fails the batch with `token_limit_exceeded`."""
    anthropic_queued_requests: int | None = Field(default=None, ge=0)
    """More answers 429."""
    release_lag_seconds: float = Field(default=0, ge=0)
    """Virtual seconds after its end for which a batch still counts."""
    openai_requests: int = 50_000
    openai_bytes: int = 200_000_000
    anthropic_requests: int = 100_000
    anthropic_bytes: int = 256_000_000


class Faults(_Part):
    """How the sandbox behaves; the default has no fault at all."""

    seed: int = 0
    durations: Durations = Durations()
    limits: Limits = Limits()
    models: tuple[str, ...] = ()
    """The only models there are; none given: any name."""
    calls: tuple[CallFault, ...] = ()
    """The first one that picks a call is the one that happens to it."""
    batches: tuple[BatchFault, ...] = ()
    """The first one that picks a batch is the one that happens to it."""
