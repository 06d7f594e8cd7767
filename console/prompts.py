"""Prompts and answers as a person reads them: what is long is cut."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from ..data.requests.conversation import part_text

if TYPE_CHECKING:
    from ..runs.report.dry_run import SamplePrompt  # `list` needs none of its imports

__all__ = ["prompt_lines", "shown_part"]

_SHOWN_CHARACTERS = 2000
"""Of a text in a prompt."""


def prompt_lines(sample: SamplePrompt) -> Iterator[str]:
    """Yield the messages of a row as a person reads them; what is long is cut."""
    for message in sample.messages:
        yield f"{message.get('role')}:"
        content = message.get("content")
        for part in content if isinstance(content, list) else [content]:
            for line in shown_part(part).splitlines():
                yield f"  {line}"


def shown_part(part: Any) -> str:
    """Return a part of a message as a person reads it; what is long is cut."""
    text = part_text(part)
    if len(text) <= _SHOWN_CHARACTERS:
        return text or "(empty)"
    return f"{text[:_SHOWN_CHARACTERS]}\n(cut: {len(text):,} characters in all)"
