"""Chat messages, converted to what each endpoint of OpenAI takes.

Chat style is what rows and templates contain: `text`, `image_url` and `file` parts;
images and files are `data:` URLs, images may be links.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...errors import InputError
from ...models import Messages

__all__ = ["joined_text", "responses_input"]


def joined_text(messages: Messages) -> str:
    """Return the text of a conversation, for an endpoint that knows no roles."""
    return "\n\n".join(_text(message["content"]) for message in messages)


def responses_input(messages: Messages) -> list[dict[str, Any]]:
    """Convert chat messages to the input items of `/v1/responses`."""
    return [
        {
            **message,
            "content": [
                _responses_part(part, message["role"]) for part in message["content"]
            ],
        }
        if isinstance(message.get("content"), list)
        else dict(message)
        for message in messages
    ]


def _responses_part(part: Mapping[str, Any], role: str) -> Mapping[str, Any]:
    match part.get("type"):
        case "text":
            kind = "output_text" if role == "assistant" else "input_text"
            return {"type": kind, "text": part["text"]}
        case "image_url":
            image = part["image_url"]
            detail = {"detail": image["detail"]} if "detail" in image else {}
            return {"type": "input_image", "image_url": image["url"], **detail}
        case "file":
            return {"type": "input_file", **part["file"]}
        case _:
            return part


def _text(content: Any) -> str:
    """Return the text of a message's content, its parts set apart by blank lines.

    Raises:
        InputError: A part is no text.
    """
    if isinstance(content, str):
        return content
    parts = content if isinstance(content, list) else [content]
    for part in parts:
        if not isinstance(part, Mapping) or not isinstance(part.get("text"), str):
            kind = part.get("type") if isinstance(part, Mapping) else type(part)
            raise InputError(f"Only text can be sent here, not a part {kind!r}.")
    return "\n\n".join(part["text"] for part in parts)
