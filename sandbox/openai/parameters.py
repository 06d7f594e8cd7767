"""The parameters of OpenAI's endpoints, and what each model takes.

The judge's own tables: the client has others. Parameters are those of OpenAI's OpenAPI
document, version 2.3.0 of 2026-05-31; a test compares them. What came later is from
the types of openai 3.57. Models as of November 2026, from
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


_EFFORT = Parameter(
    "string", enum=("none", "minimal", "low", "medium", "high", "xhigh", "max")
)
_VERBOSITY = Parameter("string", enum=("low", "medium", "high"))
_TIERS = ("auto", "default", "flex", "scale", "priority", "fast")

_STATED = {
    "background": Parameter("boolean"),
    "best_of": Parameter("integer", 0, 20),
    "dimensions": Parameter("integer", 1),
    "echo": Parameter("boolean"),
    "encoding_format": Parameter("string", enum=("float", "base64")),
    "frequency_penalty": Parameter("number", -2, 2),
    "functions": Parameter(max_items=128),
    "logprobs": Parameter("boolean"),
    "max_completion_tokens": Parameter("integer", 1),
    "max_output_tokens": Parameter("integer", 16),
    "max_tokens": Parameter("integer", 1),  # no minimum is stated; the API says 1
    "n": Parameter("integer", 1, 128),
    "parallel_tool_calls": Parameter("boolean"),
    "presence_penalty": Parameter("number", -2, 2),
    "previous_response_id": Parameter("string"),
    "prompt_cache_key": Parameter("string"),
    "prompt_cache_retention": Parameter("string", enum=("in_memory", "24h")),
    "reasoning_effort": _EFFORT,
    "safety_identifier": Parameter("string"),
    "seed": Parameter("integer", -(2**63), 2**63 - 1),
    "service_tier": Parameter("string", enum=_TIERS),
    "stop": Parameter(max_items=4),
    "store": Parameter("boolean"),
    "suffix": Parameter("string"),
    "temperature": Parameter("number", 0, 2),
    "top_logprobs": Parameter("integer", 0, 20),
    "top_p": Parameter("number", 0, 1),
    "truncation": Parameter("string", enum=("auto", "disabled")),
    "user": Parameter("string"),
    "verbosity": _VERBOSITY,
}
_NAMES = {
    "/v1/chat/completions": """
        audio frequency_penalty function_call functions logit_bias logprobs
        max_completion_tokens max_tokens messages metadata modalities model moderation n
        parallel_tool_calls prediction presence_penalty prompt_cache_key
        prompt_cache_options prompt_cache_retention reasoning_effort response_format
        safety_identifier seed service_tier stop store stream stream_options temperature
        tool_choice tools top_logprobs top_p user verbosity web_search_options
        """,
    "/v1/responses": """
        access_programs background background_options context_management conversation
        image include input instructions max_output_tokens max_tool_calls metadata model
        moderation parallel_tool_calls previous_response_id prompt prompt_cache_key
        prompt_cache_options prompt_cache_retention reasoning safety_identifier
        service_tier store stream stream_options temperature text tool_choice tools
        top_logprobs top_p truncation user
        """,
    "/v1/embeddings": "dimensions encoding_format input model user",
    "/v1/completions": """
        best_of echo frequency_penalty logit_bias logprobs max_tokens model n
        presence_penalty prompt seed stop stream stream_options suffix temperature top_p
        user
        """,
}
PARAMETERS = {
    endpoint: {name: _STATED.get(name, Parameter()) for name in names.split()}
    for endpoint, names in _NAMES.items()
}
"""By endpoint."""
PARAMETERS["/v1/responses"]["service_tier"] = Parameter(
    "string", enum=(*_TIERS, "ultrafast")
)
PARAMETERS["/v1/completions"] |= {
    "logprobs": Parameter("integer", 0, 5),
    "max_tokens": Parameter("integer", 0),
}
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
