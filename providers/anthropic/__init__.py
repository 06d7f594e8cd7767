"""Anthropic's Message Batches API."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .client import AnthropicProvider

__all__ = ["AnthropicProvider"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from .client import AnthropicProvider  # noqa: PLC0415 - the SDK takes 0.3 s

    return AnthropicProvider
