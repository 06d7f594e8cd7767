"""Chat messages as Gemini's contents.

Rows and templates contain chat messages: `text`, `image_url` and `file` parts; images
and files are `data:` URLs, or links that Gemini fetches. Parts in Gemini's own form
(`inlineData`, `fileData`, ...) stay as they are.
"""

from __future__ import annotations

from collections.abc import Mapping
from mimetypes import guess_type
from typing import Any

from ...errors import InputError
from ...models import Message, Messages

__all__ = ["contents_of", "embedded_content", "lifted", "system_instruction"]

_SYSTEM_ROLES = frozenset({"system", "developer"})
_ROLES = {"assistant": "model"}


def lifted(messages: Messages) -> tuple[list[Any], Messages]:
    """Split into the contents of system messages, and the turns.

    System messages alone are no conversation; they are sent as the user's turn.
    """
    system = [m["content"] for m in messages if m["role"] in _SYSTEM_ROLES]
    if not system:
        return [], messages
    turns = [m for m in messages if m["role"] not in _SYSTEM_ROLES]
    if turns:
        return system, turns
    return [], [{"role": "user", "content": content} for content in system]


def contents_of(messages: Messages) -> list[dict[str, Any]]:
    """Convert a conversation without system messages.

    Raises:
        InputError: A part that is no text, image or PDF.
    """
    return [_content(message) for message in messages]


def system_instruction(texts: list[Any]) -> dict[str, Any] | None:
    """Return the system instruction, a part for each text; None without any."""
    parts = [part for text in texts for part in _parts(text)]
    return {"parts": parts} if parts else None


def embedded_content(messages: Messages) -> dict[str, Any]:
    """Return what is embedded: the parts of all messages, which have no roles here."""
    return {"parts": [part for m in messages for part in _parts(m["content"])]}


def _content(message: Message) -> dict[str, Any]:
    role = message["role"]
    if "parts" in message:
        return dict(message)
    return {"role": _ROLES.get(role, role), "parts": _parts(message["content"])}


def _parts(content: Any) -> list[Any]:
    if isinstance(content, str):
        return [{"text": content}]
    if not isinstance(content, list):
        raise InputError(f"a content is no text and no list, but {content!r}")
    return [_part(part) for part in content]


def _part(part: Mapping[str, Any]) -> Mapping[str, Any]:
    match part.get("type"):
        case "text":
            return {"text": part["text"]}
        case "image_url":
            return _media(part["image_url"]["url"])
        case "file":
            file = part["file"]
            if "file_data" not in file:
                raise InputError(
                    "A file for Gemini travels inside the request: give `file_data` as"
                    " a data URL."
                )
            return _media(file["file_data"])
        case None:
            return part
        case kind:
            raise InputError(f"Gemini takes no part of the type {kind!r}.")


def _media(url: str) -> dict[str, Any]:
    if url.startswith(("https://", "http://", "gs://")):
        kind, _ = guess_type(url.partition("?")[0])
        return {"fileData": {"fileUri": url, **({"mimeType": kind} if kind else {})}}
    head, comma, data = url.partition(",")
    media_type, _, encoding = head.removeprefix("data:").partition(";")
    if not (comma and media_type and encoding == "base64"):
        raise InputError(
            f"Gemini takes images and files as base64 data URLs, not {head!r}."
        )
    return {"inlineData": {"mimeType": media_type, "data": data}}
