"""The parameters of Anthropic's messages, and what each model takes.

The judge's own tables: the client has others. Parameters are those of Anthropic's
OpenAPI document of 2026-05-31, its betas included; a test compares them. What came
later is from the types of anthropic 2.14. Models as of November 2026, from
https://platform.claude.com/docs/en/models and the pages that it links, which no longer
list the output limits of Claude 4 and 4.1: they have none here.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["PARAMETERS", "Takes", "takes"]

_NAMES = """
    cache_control container context_management diagnostics inference_geo max_tokens
    mcp_servers messages metadata model output_config output_format service_tier speed
    stop_sequences stream system temperature thinking tool_choice tools top_k top_p
    user_profile_id
    """
_NEWER = """
    billing_policy compaction fallback_credit_token fallbacks thread workspace_id
    """
PARAMETERS = frozenset(f"{_NAMES} {_NEWER}".split())


@dataclass(frozen=True)
class Takes:
    """What a model takes of what is not for all models."""

    max_tokens: float = float("inf")
    """Infinity: not known."""
    json_schema: bool = True
    sampling: bool = True
    budget: bool = True
    """Thinking with a number of tokens."""
    prefill: bool = True
    system_role: bool = False


_NEW = {"sampling": False, "budget": False, "prefill": False}
_NEWEST = Takes(**_NEW, system_role=True)
_CURRENT = Takes(128_000, **_NEW, system_role=True)
_FAMILIES = (
    # In the order in which they are compared; the first that fits counts.
    ("claude-3", Takes(json_schema=False)),
    ("claude-2", Takes(json_schema=False)),
    ("claude-instant", Takes(json_schema=False)),
    ("claude-opus-4-1", Takes()),
    ("claude-opus-4-5", Takes(64_000)),
    ("claude-opus-4-6", Takes(128_000, prefill=False)),
    ("claude-opus-4-7", Takes(128_000, **_NEW)),
    ("claude-opus-4-8", _CURRENT),
    ("claude-opus-4", Takes(json_schema=False)),
    ("claude-sonnet-4-5", Takes(64_000)),
    ("claude-sonnet-4-6", Takes(128_000, prefill=False)),
    ("claude-sonnet-4", Takes(json_schema=False)),
    ("claude-haiku-4-5", Takes(64_000)),
    ("claude-opus-5", _CURRENT),
    ("claude-sonnet-5-5", _NEWEST),
    ("claude-sonnet-5", _CURRENT),
    ("claude-fable-5-2", _NEWEST),
    ("claude-fable-5", _CURRENT),
)


def takes(model: str) -> Takes:
    """Return what a model takes; that of the newest ones, if its name is not known."""
    return next((what for head, what in _FAMILIES if model.startswith(head)), _NEWEST)
