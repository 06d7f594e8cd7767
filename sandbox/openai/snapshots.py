"""The dated names under which OpenAI answers for a model's short name."""

from __future__ import annotations

__all__ = ["dated_name"]

_SNAPSHOTS = {
    "gpt-3.5-turbo": "0125",
    "gpt-4": "0613",
    "gpt-4-turbo": "2024-04-09",
    "gpt-4o": "2024-08-06",
    "gpt-4o-mini": "2024-07-18",
    "gpt-4.1": "2025-04-14",
    "gpt-4.1-mini": "2025-04-14",
    "gpt-4.1-nano": "2025-04-14",
    "o1": "2024-12-17",
    "o3": "2025-04-16",
    "o3-mini": "2025-01-31",
    "o4-mini": "2025-04-16",
    "gpt-5": "2025-08-07",
    "gpt-5-mini": "2025-08-07",
    "gpt-5-nano": "2025-08-07",
    "gpt-5.1": "2025-11-13",
    "gpt-5.2": "2025-12-11",
    "gpt-5.4-mini": "2026-03-17",
    "gpt-5.4-nano": "2026-03-17",
    "gpt-5.5": "2026-04-23",
}
"""From the model names of openai 3.57."""


def dated_name(model: str) -> str:
    """Return the name in a response; other models answer under their own."""
    date = _SNAPSHOTS.get(model)
    return model if date is None else f"{model}-{date}"
