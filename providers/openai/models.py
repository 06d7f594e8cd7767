"""What OpenAI's API and its models accept, and what they refuse with status 400.

The request builder avoids it, the client's check reports it, and the sandbox refuses it
as the real API does. As of November 2026; the pages to check it against:
https://platform.openai.com/docs/guides/structured-outputs (`json_schema`),
https://platform.openai.com/docs/guides/reasoning (`max_tokens`, `temperature`).
Ranges and members are those that the types of openai 3.57 document, read on 2026-11-28.
`max_tokens` and `max_output_tokens` are from the API's own errors, as users quote them;
the lower bounds of `n`, `best_of` and `dimensions`, `top_p` and the `logprobs` of
`/v1/completions` are not checked against a page.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

__all__ = ["EFFORTS", "MEMBERS", "ROLES", "Range", "ranges", "refuses"]

_REFUSALS = (
    (
        # Models older than gpt-4o-2024-08-06; strict tools work on all of them.
        re.compile(
            r"gpt-3\.5|gpt-4(-|$)|gpt-4o-2024-05-13|chatgpt-4o|o1-(mini|preview)"
        ),
        frozenset({"json_schema"}),
    ),
    (
        # Reasoning models and all that came after gpt-4.1.
        re.compile(r"o\d|gpt-([5-9]|\d\d)"),
        frozenset({"max_tokens"}),
    ),
    (
        # From gpt-5.1 on, `temperature` is a matter of the reasoning effort.
        re.compile(r"o\d|gpt-5(-(?!chat)|$)"),
        frozenset({"temperature", "top_p"}),
    ),
)


def refuses(model: str) -> frozenset[str]:
    """Return what `model` refuses: `json_schema` or names of body parameters."""
    name = model.removeprefix("ft:")
    found = (words for pattern, words in _REFUSALS if pattern.match(name))
    return frozenset().union(*found)


@dataclass(frozen=True)
class Range:
    """Limits of a number."""

    low: float
    high: float | None = None
    doubtful_from: float | None = None
    """Above it, the request is probably refused."""
    is_integer: bool = False


_RANGES = {
    "temperature": Range(0, 2),
    "top_p": Range(0, 1),
    "frequency_penalty": Range(-2, 2),
    "presence_penalty": Range(-2, 2),
    "n": Range(1, doubtful_from=128, is_integer=True),
    "best_of": Range(1, doubtful_from=20, is_integer=True),
    "top_logprobs": Range(0, 20, is_integer=True),
    "max_tokens": Range(1, is_integer=True),
    "max_completion_tokens": Range(1, is_integer=True),
    "max_output_tokens": Range(16, is_integer=True),
    "dimensions": Range(1, is_integer=True),
}
_RANGES_OF_ENDPOINT = {
    "/v1/completions": {
        "max_tokens": Range(0, is_integer=True),
        "logprobs": Range(0, 5, is_integer=True),
    },
}
ROLES = frozenset({"system", "developer", "user", "assistant", "tool", "function"})
EFFORTS = frozenset({"none", "minimal", "low", "medium", "high", "xhigh", "max"})

_SAMPLING = "model stream stream_options temperature top_p user"
_SHARED = """
    metadata moderation parallel_tool_calls prompt_cache_key prompt_cache_options
    prompt_cache_retention safety_identifier service_tier store tool_choice tools
    top_logprobs
    """
_NAMES = {
    "/v1/chat/completions": f"""
        {_SAMPLING} {_SHARED} audio frequency_penalty function_call functions logit_bias
        logprobs max_completion_tokens max_tokens messages modalities n prediction
        presence_penalty reasoning_effort response_format seed stop verbosity
        web_search_options
        """,
    "/v1/responses": f"""
        {_SAMPLING} {_SHARED} access_programs background background_options
        context_management conversation image include input instructions
        max_output_tokens max_tool_calls previous_response_id prompt reasoning text
        truncation
        """,
    "/v1/embeddings": "dimensions encoding_format input model stream user",
    "/v1/completions": f"""
        {_SAMPLING} best_of echo frequency_penalty logit_bias logprobs max_tokens n
        presence_penalty prompt seed stop suffix
        """,
}
MEMBERS = {endpoint: frozenset(text.split()) for endpoint, text in _NAMES.items()}
"""Members of a request body, by endpoint; those of other endpoints are not known."""


def ranges(endpoint: str) -> dict[str, Range]:
    """Return the limits of the numbers in a body for an endpoint of `MEMBERS`."""
    found = {**_RANGES, **_RANGES_OF_ENDPOINT.get(endpoint, {})}
    return {name: found[name] for name in found if name in MEMBERS[endpoint]}
