"""What a request asks, for people: the roles and texts of its messages."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

__all__ = ["conversation", "part_text"]

_SYSTEM = ("system", "instructions")
_MESSAGES = ("messages", "input", "prompt")
"""Members of a request's body; which of them it has depends on the endpoint."""


def conversation(line: bytes) -> list[tuple[str, str]]:
    """Return role and text of each message in a request line, the system text first.

    A request of a form that is not known is one text, the line itself.
    """
    try:
        request = json.loads(line)
        bodies = [each for each in request.values() if isinstance(each, dict)]
        body = next(each for each in bodies if not each.keys().isdisjoint(_MESSAGES))
    except (AttributeError, RecursionError, StopIteration, ValueError):
        return [("", line.decode("utf-8", "replace").strip())]
    return [*_messages(body)]


def part_text(part: Any) -> str:
    """Return the text of a part of a message; of an image or a file kind and size."""
    if isinstance(part, str):
        return part
    if isinstance(part, dict) and isinstance(part.get("text"), str):
        text: str = part["text"]
        return text
    kind = part.get("type") if isinstance(part, dict) else None
    return f"({kind or 'data'}, {len(repr(part)):,} characters)"


def _messages(body: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for name in _SYSTEM:
        if body.get(name):
            yield "system", _text(body[name])
    content = next(body[name] for name in _MESSAGES if name in body)
    for message in content if isinstance(content, list) else [content]:
        if isinstance(message, dict) and "content" in message:
            yield str(message.get("role", "")), _text(message["content"])
        else:
            yield "user", part_text(message)


def _text(content: Any) -> str:
    parts = content if isinstance(content, list) else [content]
    return "\n\n".join(map(part_text, parts))
