"""How deeply a JSON value may be nested."""

from __future__ import annotations

from typing import Any

__all__ = ["MAX_DEPTH", "is_too_deep"]

MAX_DEPTH = 200
"""Encoders of JSON stop at 254 levels."""


def is_too_deep(value: Any) -> bool:
    """Whether a value is nested too deeply to be written as JSON everywhere."""
    level = [value]
    for _ in range(MAX_DEPTH):
        level = [
            inner
            for each in level
            if isinstance(each, (dict, list))
            for inner in (each.values() if isinstance(each, dict) else each)
        ]
        if not level:
            return False
    return True
