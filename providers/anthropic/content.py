"""Chat-style message content, converted to Anthropic's content blocks.

Chat style is what rows and templates contain: `text`, `image_url` and `file` parts;
images and files are `data:` URLs, images may be links.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...errors import InputError

__all__ = ["content_blocks"]


def content_blocks(content: Any) -> Any:
    """Convert chat-style content to Anthropic's blocks; native blocks stay.

    Raises:
        InputError: A file that is neither an image nor a PDF.
    """
    if not isinstance(content, list):
        return content
    return [_block(part) for part in content]


def _block(part: Mapping[str, Any]) -> Mapping[str, Any]:
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
