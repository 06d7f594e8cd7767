"""Content parts: chat style in, what another endpoint wants out.

Chat style is what rows and templates hold: `text`, `image_url` and `file` parts,
images and files as `data:` URLs or, for images, as links.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..errors import InputError
from ..models import Messages

__all__ = ["anthropic_content", "joined_text", "responses_input", "text_of"]


def text_of(content: Any) -> str:
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


def joined_text(messages: Messages) -> str:
    """Return the text of a conversation, for an endpoint that knows no roles."""
    return "\n\n".join(text_of(message["content"]) for message in messages)


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


def anthropic_content(content: Any) -> Any:
    """Convert chat-style content to Anthropic's blocks; native blocks stay.

    Raises:
        InputError: A file that is neither an image nor a PDF.
    """
    if not isinstance(content, list):
        return content
    return [_anthropic_block(part) for part in content]


def _anthropic_block(part: Mapping[str, Any]) -> Mapping[str, Any]:
    match part.get("type"):
        case "image_url":
            url = part["image_url"]["url"]
            if url.startswith("data:"):
                return _base64_block(url)
            return {"type": "image", "source": {"type": "url", "url": url}}
        case "file":
            file = part["file"]
            if "file_data" not in file:
                raise InputError(
                    "A file for Anthropic travels inside the request: "
                    "give `file_data` as a data URL."
                )
            title = {"title": file["filename"]} if "filename" in file else {}
            return {**_base64_block(file["file_data"]), **title}
        case _:
            return part


def _base64_block(url: str) -> dict[str, Any]:
    head, comma, data = url.partition(",")
    media_type, _, encoding = head.removeprefix("data:").partition(";")
    kind = "document" if media_type == "application/pdf" else "image"
    if (
        not comma
        or encoding != "base64"
        or not (kind == "document" or media_type.startswith("image/"))
    ):
        raise InputError(
            f"Anthropic takes images and PDF files as base64 data URLs, not {head!r}."
        )
    source = {"type": "base64", "media_type": media_type, "data": data}
    return {"type": kind, "source": source}
