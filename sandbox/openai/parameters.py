"""The parameters of OpenAI's endpoints, and what each model takes.

The judge's own tables: the client has others. Parameters are those of OpenAI's OpenAPI
document, version 2.3.0 of 2026-05-31; a test compares them. What came later is from
the types of openai 3.57 and marked so. Models as of November 2026, from
https://platform.openai.com/docs/guides/structured-outputs and
https://platform.openai.com/docs/guides/reasoning.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["PARAMETERS", "SUB_PARAMETERS", "Parameter", "Takes", "takes"]


@dataclass(frozen=True)
class Parameter:
    """A schema: its fields are named as in JSON Schema."""

    type: str | None = None
    """None: not looked at."""
    minimum: float | None = None
    maximum: float | None = None
    enum: tuple[str, ...] = ()
    max_items: int | None = None


_ANY = Parameter()
_FLAG = Parameter("boolean")
_TEXT = Parameter("string")
_COUNT = Parameter("integer", 1)
_PENALTY = Parameter("number", -2, 2)
_COPIES = Parameter("integer", 1, 128)
_SEED = Parameter("integer", -(2**63), 2**63 - 1)
_STOP = Parameter(max_items=4)
_TEMPERATURE = Parameter("number", 0, 2)
_TOP_P = Parameter("number", 0, 1)
_TOP_LOGPROBS = Parameter("integer", 0, 20)
_RETENTION = Parameter("string", enum=("in_memory", "24h"))
_VERBOSITY = Parameter("string", enum=("low", "medium", "high"))
_TIERS = ("auto", "default", "flex", "scale", "priority", "fast")  # fast: openai 3.57
_EFFORT = Parameter(
    "string",
    enum=("none", "minimal", "low", "medium", "high", "xhigh", "max"),  # max: the same
)

PARAMETERS: dict[str, dict[str, Parameter]] = {
    "/v1/chat/completions": {
        "audio": _ANY,
        "frequency_penalty": _PENALTY,
        "function_call": _ANY,
        "functions": Parameter(max_items=128),
        "logit_bias": _ANY,
        "logprobs": _FLAG,
        "max_completion_tokens": _COUNT,
        "max_tokens": _COUNT,
        "messages": _ANY,
        "metadata": _ANY,
        "modalities": _ANY,
        "model": _ANY,
        "moderation": _ANY,  # openai 3.57
        "n": _COPIES,
        "parallel_tool_calls": _FLAG,
        "prediction": _ANY,
        "presence_penalty": _PENALTY,
        "prompt_cache_key": _TEXT,
        "prompt_cache_options": _ANY,  # openai 3.57
        "prompt_cache_retention": _RETENTION,
        "reasoning_effort": _EFFORT,
        "response_format": _ANY,
        "safety_identifier": _TEXT,
        "seed": _SEED,
        "service_tier": Parameter("string", enum=_TIERS),
        "stop": _STOP,
        "store": _FLAG,
        "stream": _ANY,
        "stream_options": _ANY,
        "temperature": _TEMPERATURE,
        "tool_choice": _ANY,
        "tools": _ANY,
        "top_logprobs": _TOP_LOGPROBS,
        "top_p": _TOP_P,
        "user": _TEXT,
        "verbosity": _VERBOSITY,
        "web_search_options": _ANY,
    },
    "/v1/responses": {
        "access_programs": _ANY,  # openai 3.57
        "background": _FLAG,
        "background_options": _ANY,  # openai 3.57
        "context_management": _ANY,
        "conversation": _ANY,
        "image": _ANY,  # openai 3.57
        "include": _ANY,
        "input": _ANY,
        "instructions": _ANY,
        "max_output_tokens": Parameter("integer", 16),
        "max_tool_calls": _ANY,
        "metadata": _ANY,
        "model": _ANY,
        "moderation": _ANY,  # openai 3.57
        "parallel_tool_calls": _FLAG,
        "previous_response_id": _TEXT,
        "prompt": _ANY,
        "prompt_cache_key": _TEXT,
        "prompt_cache_options": _ANY,  # openai 3.57
        "prompt_cache_retention": _RETENTION,
        "reasoning": _ANY,
        "safety_identifier": _TEXT,
        "service_tier": Parameter("string", enum=(*_TIERS, "ultrafast")),
        "store": _FLAG,
        "stream": _ANY,
        "stream_options": _ANY,
        "temperature": _TEMPERATURE,
        "text": _ANY,
        "tool_choice": _ANY,
        "tools": _ANY,
        "top_logprobs": _TOP_LOGPROBS,
        "top_p": _TOP_P,
        "truncation": Parameter("string", enum=("auto", "disabled")),
        "user": _TEXT,
    },
    "/v1/embeddings": {
        "dimensions": _COUNT,
        "encoding_format": Parameter("string", enum=("float", "base64")),
        "input": _ANY,
        "model": _ANY,
        "user": _TEXT,
    },
    "/v1/completions": {
        "best_of": Parameter("integer", 0, 20),
        "echo": _FLAG,
        "frequency_penalty": _PENALTY,
        "logit_bias": _ANY,
        "logprobs": Parameter("integer", 0, 5),
        "max_tokens": Parameter("integer", 0),
        "model": _ANY,
        "n": _COPIES,
        "presence_penalty": _PENALTY,
        "prompt": _ANY,
        "seed": _SEED,
        "stop": _STOP,
        "stream": _ANY,
        "stream_options": _ANY,
        "suffix": _TEXT,
        "temperature": _TEMPERATURE,
        "top_p": _TOP_P,
        "user": _TEXT,
    },
}
"""By endpoint. `max_tokens` of chat has no minimum in the document; the API says 1."""

SUB_PARAMETERS = {"reasoning": {"effort": _EFFORT}, "text": {"verbosity": _VERBOSITY}}


@dataclass(frozen=True)
class Takes:
    """What a model takes of what is not for all models."""

    json_schema: bool = True
    max_tokens: bool = True
    sampling: bool = True


_FAMILIES = (
    # In the order in which they are compared; the first that fits counts.
    ("gpt-3.5", Takes(json_schema=False)),
    ("gpt-4o-2024-05-13", Takes(json_schema=False)),
    ("chatgpt-4o", Takes(json_schema=False)),
    ("gpt-4o", Takes()),
    ("gpt-4.", Takes()),
    ("gpt-4", Takes(json_schema=False)),
    ("o1-mini", Takes(json_schema=False, max_tokens=False, sampling=False)),
    ("o1-preview", Takes(json_schema=False, max_tokens=False, sampling=False)),
    ("o1", Takes(max_tokens=False, sampling=False)),
    ("o3", Takes(max_tokens=False, sampling=False)),
    ("o4", Takes(max_tokens=False, sampling=False)),
    ("gpt-5.", Takes(max_tokens=False)),  # `temperature` depends on the effort
    ("gpt-5-chat", Takes(max_tokens=False)),
    ("gpt-5", Takes(max_tokens=False, sampling=False)),
    ("gpt-6", Takes(max_tokens=False)),
)


def takes(model: str) -> Takes:
    """Return what a model takes; all of it, if its name says nothing."""
    name = model.removeprefix("ft:")
    return next((what for head, what in _FAMILIES if name.startswith(head)), Takes())
