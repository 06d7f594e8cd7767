"""The OpenAI Batch API, and services that imitate it."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .client import OpenAIProvider

__all__ = ["OpenAIProvider"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from .client import OpenAIProvider  # noqa: PLC0415 - the SDK takes 0.3 s

    return OpenAIProvider
