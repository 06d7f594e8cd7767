"""What one request can cost at most, so that a cost limit can be kept.

The input is bounded by the bytes of the request, and the output by the limits in the
job and its `--param`s. What a provider fetches or looks up itself has no such bound.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import orjson

from ..errors import InputError
from ..models import RequestTemplate

__all__ = [
    "may_write_cache",
    "most_output_tokens",
    "refuse_fetched_parts",
    "refuse_unbounded_params",
]

_LIMITS = ("max_tokens", "max_completion_tokens", "max_output_tokens")
_COPIES = ("n", "best_of")
_UNBOUNDED = (
    "audio",
    "container",
    "context_management",
    "conversation",
    "fallbacks",
    "mcp_servers",
    "prediction",
    "previous_response_id",
    "prompt",
    "web_search_options",
)
"""Parameters with which a request reads or writes more than its own bytes and limit."""
_BOUNDED_TOOLS = frozenset({None, "function", "custom"})
_CACHE_MARKS = (b'"cache_control"', b'"cachePoint"')
_ELSEWHERE = ("http://", "https://", "s3://")
_FUNCTION = frozenset({"name", "function", "functionDeclarations"})


def most_output_tokens(template: RequestTemplate) -> int | None:
    """Return the most tokens that the answers to one request have; None: no limit."""
    if template.endpoint == "/v1/embeddings":
        return 0
    params = template.params
    limits = [template.max_tokens, *map(params.get, _LIMITS)]
    given = [limit for limit in limits if type(limit) is int]
    copies = [count for count in map(params.get, _COPIES) if type(count) is int]
    return max(given) * max([1, *copies]) if given else None


def may_write_cache(
    template: RequestTemplate, messages: Iterable[Mapping[str, Any]]
) -> bool:
    """Whether the provider may charge more for input, to write a prompt cache."""
    written = orjson.dumps([template.params, *messages])
    return template.cache_system or any(mark in written for mark in _CACHE_MARKS)


def refuse_unbounded_params(template: RequestTemplate) -> None:
    """Refuse parameters with which no cost limit can be kept.

    Raises:
        InputError: It names the parameter and the way out.
    """
    params = template.params
    for name in (*_LIMITS, *_COPIES):
        value = params.get(name, 1)
        if type(value) is not int or value < 1:
            raise InputError(
                f"--max-cost-usd cannot be kept: `--param {name}` must be a whole"
                " number above 0; correct it, or drop --max-cost-usd."
            )
    tools = params.get("tools")
    kinds = [_kind(tool) for tool in (tools if isinstance(tools, list) else ())]
    unbounded = [name for name in _UNBOUNDED if params.get(name) is not None]
    if not _BOUNDED_TOOLS.issuperset(kinds):
        unbounded.append("tools")
    if unbounded:
        raise InputError(
            f"--max-cost-usd cannot be kept: with `--param {unbounded[0]}` the tokens"
            " of a request are not bounded; drop one of the two."
        )
    if most_output_tokens(template) is None:
        raise InputError(
            "--max-cost-usd needs --max-tokens, without which an answer may cost any"
            " amount."
        )


def _kind(tool: Any) -> Any:
    """Return what a tool is; functions may have no type, others are named by a key."""
    if not isinstance(tool, Mapping) or "type" in tool or _FUNCTION & tool.keys():
        return tool.get("type") if isinstance(tool, Mapping) else None
    return next(iter(tool), None)


def refuse_fetched_parts(messages: Iterable[Mapping[str, Any]]) -> None:
    """Refuse images and files that the provider fetches, whose size is not known.

    Raises:
        InputError: It names the part and the way out; the text does not name the row.
    """
    for message in messages:
        content = message.get("content")
        for part in content if isinstance(content, list) else ():
            if (found := _fetched(part)) is not None:
                raise InputError(
                    f"{found!r} is fetched by the provider, so its tokens are unknown"
                    " and --max-cost-usd cannot be kept; give it as a local file, or"
                    " drop --max-cost-usd"
                )


def _fetched(part: Any) -> str | None:
    """Return the URL or ID of what a part names without holding it."""
    if not isinstance(part, Mapping):
        return None
    for name, value in part.items():
        if name == "text":
            continue
        if isinstance(value, str):
            if name == "file_id" or value.startswith(_ELSEWHERE):
                return value[:200]
        elif (found := _fetched(value)) is not None:
            return found
    return None
