"""The OpenAI Batch API, and services that imitate it."""

from typing import Any

__all__ = ["OpenAIProvider"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from .client import OpenAIProvider  # noqa: PLC0415 - the SDK takes 0.3 s

    return OpenAIProvider
