"""Faults that the sandbox injects, as data: a fault file holds one `Faults`.

Every choice is seeded: the same file and the same calls give the same faults.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ..errors import InputError, in_one_line
from ..models.plain import read_yaml

__all__ = [
    "AnswerFault",
    "BatchFault",
    "CallFault",
    "Durations",
    "FailedFile",
    "FaultSource",
    "Faults",
    "Limits",
    "LineFaults",
    "When",
    "load_faults",
]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class When(_Part):
    """Selects what a rule applies to: all given conditions must hold; none: always.

    Calls and batches are counted from the moment the faults were set, lines within
    their batch. Counts start at 1.
    """

    nth: tuple[int, ...] = ()
    first: int | None = Field(default=None, ge=1)
    every: int | None = Field(default=None, ge=1)
    probability: float | None = Field(default=None, ge=0, le=1)

    def picks(self, number: int, *key: object) -> bool:
        """Return whether the rule applies; `key` and `number` seed the probability."""
        if self.nth and number not in self.nth:
            return False
        if self.first is not None and number > self.first:
            return False
        if self.every is not None and number % self.every:
            return False
        if self.probability is None:
            return True
        rng = random.Random(repr((*key, number)))  # noqa: S311 - reproducible
        return rng.random() < self.probability


class CallFault(When):
    """A fault of HTTP calls."""

    operation: Literal[
        "any",
        "upload",  # POST /files
        "upload_part",  # a part of a file (Gemini)
        "file",  # GET /files, /files/ID
        "create",
        "retrieve",
        "list",
        "cancel",
        "download",  # a file's content, a batch's results
        "delete",
        "ask",  # a single request, answered at once
    ] = "any"
    provider: str | None = None
    do: Literal[
        "status",  # answer with `status` and the provider's error envelope
        "drop",  # close the connection without an answer
        "stall",  # wait `seconds`, then answer
        "slow",  # spread the answer's body over `seconds`
        "cut",  # stop after `keep` of the body; Content-Length says more
        "cut_unframed",  # the same without a length, so that it looks complete
        "bad_json",  # 200 with half a JSON document
        "html",  # 200 with a web page
        "no_has_more",  # a list without `has_more`
        "empty_page",  # a list without items that claims there are more
        "repeat_page",  # a list whose items come twice
        "no_results",  # batches that do not name their results yet
    ]
    after: bool | None = None
    """Whether the call takes effect before the fault; None: not for `status` and
    `drop`, for all others yes."""
    status: int = Field(default=503, ge=300, le=599)
    code: str | None = None
    """The error's `code` (OpenAI) or `type` (Anthropic); None: that of the status."""
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


Unusable = Literal["refusal", "truncated", "content_filter", "empty"]
"""Answered and billed, but without a usable answer."""
Misshapen = Literal[
    "invalid_json", "wrong_shape", "enum_case", "extra_keys", "nan", "duplicate_keys"
]
Raw = Literal[
    "big_int",
    "lone_surrogate",
    "separators",  # raw U+2028, U+2029 and U+0085 in the text
    "control_characters",  # raw, so the line is not strict JSON
    "huge",  # a line of 5 MB
    "deep",  # a line with 1,100 nested lists
]
Extra = Literal[
    "two_answers",  # two choices, or two tool calls
    "commentary",  # a message before the answer (Responses API)
    "incomplete",
    "failed",
]
OddUsage = Literal[
    "usage_null",
    "usage_empty",
    "usage_float",
    "usage_text",
    "usage_negative",
    "usage_cached",  # more cached tokens than tokens
]
"""The answer is good, but its usage says nothing that can be believed."""
OddLine = Literal["null_response", "both_null", "status_zero", "unknown_type"]
Unrun = Literal["expired", "cancelled"]
"""The request alone did not run."""


class AnswerFault(When):
    """A fault of the answers to single requests."""

    status: int | None = Field(default=None, ge=400, le=599)
    """The request fails with this HTTP status."""
    message: str | None = None
    kind: Unusable | Misshapen | Raw | Extra | OddUsage | OddLine | Unrun | None = None


class LineFaults(_Part):
    """Faults of the lines of a result file."""

    shuffle: bool = True
    """On by default, since both providers answer in any order."""
    duplicate: When | None = None
    missing: When | None = None
    foreign_id: When | None = None
    null_id: When | None = None
    crlf: bool = False
    bom: bool = False
    blank_lines: bool = False
    end: Literal["newline", "none", "double"] = "newline"


class Durations(_Part):
    """How long each state of a batch lasts, in virtual seconds."""

    validating: float = Field(default=0.02, ge=0)
    in_progress: float = Field(default=0.2, ge=0)
    """For the whole batch, however many requests; after 24 h it expires."""
    finalizing: float = Field(default=0.02, ge=0)
    cancelling: float = Field(default=0.05, ge=0)


class FailedFile(_Part):
    """One reason for refusing a request file as a whole (OpenAI)."""

    code: str = "invalid_request"
    message: str = "The sandbox was told to refuse this file."
    param: str | None = None
    line: int | None = Field(default=None, ge=1)


class BatchFault(When):
    """A fault of a whole batch."""

    provider: str | None = None
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
    """Status word shown while the batch is running."""
    results_url: str | None = None
    """URL in place of Anthropic's own; `HOST` and `ID` are filled in."""
    lines: LineFaults = LineFaults()
    answers: tuple[AnswerFault, ...] = ()
    """The first rule that applies to a request counts."""


class Limits(_Part):
    """What the open batches of an account, and one batch, may hold."""

    openai_enqueued_tokens: int | None = Field(default=None, ge=0)
    """Per model; above it, a batch fails with `token_limit_exceeded`."""
    anthropic_queued_requests: int | None = Field(default=None, ge=0)
    """Above it, creation is refused with 429."""
    release_lag_seconds: float = Field(default=0, ge=0)
    """Virtual seconds for which an ended batch still counts."""
    openai_requests: int = 50_000
    openai_bytes: int = 200_000_000
    anthropic_requests: int = 100_000
    anthropic_bytes: int = 256_000_000
    openrouter_requests: int = 50_000
    openrouter_bytes: int = 200_000_000
    openrouter_page: int = Field(default=500, ge=1)
    """Lines on one page of results."""
    bedrock_min_requests: int = 100
    bedrock_requests: int = 100_000


class Faults(_Part):
    """How the sandbox behaves; by default without any fault."""

    seed: int = 0
    durations: Durations = Durations()
    limits: Limits = Limits()
    models: tuple[str, ...] = ()
    """The only models that exist; empty: any name."""
    calls: tuple[CallFault, ...] = ()
    """The first rule that applies to a call counts."""
    answers: tuple[AnswerFault, ...] = ()
    """Of requests that are answered at once; the first rule that applies counts."""
    batches: tuple[BatchFault, ...] = ()
    """The first rule that applies to a batch counts."""


FaultSource = Faults | Mapping[str, Any] | str | Path | None
"""Faults, the same as plain data, or the path of a YAML or JSON file."""


def load_faults(source: FaultSource) -> Faults:
    """Read faults from a YAML or JSON file, or from the same structure in memory.

    Raises:
        InputError: The file cannot be read, or a field is unknown or wrong.
    """
    if isinstance(source, Faults):
        return source
    where = "The faults"
    if isinstance(source, str | Path):
        where = str(source)
        source = read_yaml(Path(source))
    try:
        return Faults.model_validate(source or {})
    except ValidationError as exc:
        first = exc.errors(include_url=False)[0]
        field = in_one_line(".".join(map(str, first["loc"]))) or "the whole"
        raise InputError(f"{where}: {field}: {first['msg']}.") from exc
