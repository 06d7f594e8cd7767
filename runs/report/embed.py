"""Text of others as JSON inside an HTML page, where nothing of it is markup."""

from __future__ import annotations

from typing import Any

from ...data.columns import to_json
from ...errors import visible

__all__ = ["cut", "embedded", "fitted"]


def embedded(value: Any) -> bytes:
    """Return JSON for a `script` element; no text in it can end or open an element.

    Characters that are invisible or change the reading order become escapes for people.
    """
    return to_json(_visible(value)).replace(b"<", b"\\u003c")


def cut(value: Any, limit: int) -> Any:
    """Return a text, or each text of a list, with at most so many characters."""
    if isinstance(value, list):
        return [cut(each, limit) for each in value]
    if isinstance(value, str) and len(value) > limit:
        return f"{value[:limit]} … (cut: {len(value):,} characters in all)"
    return value


def fitted(value: Any, most_bytes: int) -> tuple[bytes, bool]:
    """Return texts, or lists of them, as `embedded` does, and whether some were cut.

    The longest texts are cut until all are within `most_bytes`, markup aside.
    """
    limit = most_bytes
    short = cut(value, limit)
    while len(data := embedded(short)) > most_bytes and limit:
        limit //= 2
        short = cut(value, limit)
    return data, short != value


def _visible(value: Any) -> Any:
    if isinstance(value, str):
        return visible(value)
    if isinstance(value, dict):
        return {visible(name): _visible(each) for name, each in value.items()}
    return [*map(_visible, value)] if isinstance(value, (list, tuple)) else value
