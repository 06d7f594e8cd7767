"""The batch mode of Google's Gemini API."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .client import GeminiProvider

__all__ = ["GeminiProvider"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from .client import GeminiProvider  # noqa: PLC0415 - httpx2 takes 0.1 s

    return GeminiProvider
