"""What differs between OpenAI's endpoints when a request body is made and checked.

Rows and templates contain chat messages: `text`, `image_url` and `file` parts; images
and files are `data:` URLs, images may be links. Each endpoint converts them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ...errors import InputError
from ...models import Message, Messages

__all__ = ["ENDPOINTS", "REQUIRED", "Endpoint", "holds_data", "with_documents"]

_DATA_PART = re.compile(rb'"(?:url|image_url|file_data|data)"\s*:\s*"data:')
"""An image or a file inside a request; in a text, its quotes would be escaped."""


@dataclass(frozen=True, kw_only=True)
class Endpoint:
    """How a request body is made for one path."""

    content: str
    """The member with the conversation."""
    convert: Callable[[Messages], Any] = list
    """Makes the value of that member from chat messages."""
    system: str | None = None
    """The member with the system text; None: it is the first message."""
    max_tokens: str | None = None
    """The member that limits the answer; None: as the model calls it."""
    is_flat: bool = False
    """Whether a schema or function stands beside its `type`, not in an inner object."""
    has_text: bool = True
    """Whether the answer is text, which can be shaped, limited and asked for again."""


def _joined_text(messages: Messages) -> str:
    """Return the text of a conversation, for an endpoint that knows no roles."""
    return "\n\n".join(_text(message["content"]) for message in messages)


def _responses_input(messages: Messages) -> list[dict[str, Any]]:
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


def with_documents(messages: Messages) -> list[Message]:
    """Return chat messages whose PDF files are parts `document_url`."""
    return [
        {**message, "content": [_document(part) for part in message["content"]]}
        if isinstance(message.get("content"), list)
        else message
        for message in messages
    ]


def _document(part: Any) -> Any:
    if not isinstance(part, Mapping) or part.get("type") != "file":
        return part
    file = part["file"]
    if "file_data" not in file:
        raise InputError("A file travels inside the request here: give `file_data`.")
    named = {"document_name": file["filename"]} if "filename" in file else {}
    return {"type": "document_url", "document_url": file["file_data"], **named}


def holds_data(line: bytes) -> bool:
    """Whether a request line holds an image or a file, and not only its URL."""
    return _DATA_PART.search(line) is not None


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


ENDPOINTS = {
    "/v1/chat/completions": Endpoint(content="messages"),
    "/v1/responses": Endpoint(
        content="input",
        convert=_responses_input,
        system="instructions",
        max_tokens="max_output_tokens",
        is_flat=True,
    ),
    "/v1/embeddings": Endpoint(content="input", convert=_joined_text, has_text=False),
}
"""The endpoints that requests can be made for."""

REQUIRED = {
    **{path: ("model", endpoint.content) for path, endpoint in ENDPOINTS.items()},
    "/v1/completions": ("model", "prompt"),
    "/v1/moderations": ("input",),
    "/v1/images/generations": ("prompt",),
    "/v1/images/edits": ("prompt",),
    "/v1/videos": ("prompt",),
}
"""Members that a body must have, for all endpoints of the Batch API."""
