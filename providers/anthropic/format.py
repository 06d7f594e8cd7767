"""Anthropic's request and result lines.

Rows and templates contain chat messages: `text`, `image_url` and `file` parts; images
and files are `data:` URLs, images may be links.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from ...errors import InputError
from ...models import BatchResult, LineError, Message, Messages, RequestTemplate
from ..address import is_own
from ..base import Encode, Limits
from ..lines import SAMPLE, UNSENDABLE, frame, refuse_problems, slot, unsendable
from ..schema.restore import Restorer
from ..vendor import Vendor
from .body import constants
from .check import check_line
from .decode import decode_line
from .plain import decode_plain
from .record import ANTHROPIC

__all__ = ["AnthropicFormat"]

_CACHED = {"type": "ephemeral", "ttl": "1h"}
_SYSTEM_ROLES = frozenset({"system", "developer"})


class AnthropicFormat:
    """The lines of `/v1/messages`."""

    limits = Limits(
        max_requests=100_000,
        max_bytes=256_000_000,
        source="https://platform.claude.com/docs/en/api/creating-message-batches, "
        "as of November 2026",
    )

    def __init__(
        self, base_url: str | None = None, *, vendor: Vendor = ANTHROPIC
    ) -> None:
        self.vendor = vendor
        self.name = vendor.name
        self.base_url = vendor.address(base_url)
        self._own_host = is_own(self.base_url, ANTHROPIC)
        self._restorer = Restorer()

    def restore(self, source: dict[str, Any], answer: Any) -> Any:
        """Bring a decoded answer back into the shape of the source schema."""
        return self._restorer(source, answer)

    def encoder(self, template: RequestTemplate) -> Encode:
        """Encode once what is constant; see `Format.encoder`."""
        if template.endpoint != "/v1/messages":
            raise InputError(f"Anthropic has no endpoint {template.endpoint!r}.")
        id_slot, content_slot = slot(), slot()
        head, middle, tail = frame(
            {
                "custom_id": id_slot,
                "params": {
                    "model": template.model,
                    **constants(template),
                    "messages": content_slot,
                },
            },
            id_slot,
            content_slot,
        )
        tail += b"\n"
        key = b'"messages":'
        before = middle.removesuffix(key)
        shared, cached = template.system, template.cache_system
        constant = _system(shared, (), cached=cached)
        if constant is not None:
            middle = before + b'"system":' + orjson.dumps(constant) + b"," + key

        def encode(custom_id: str, messages: Messages) -> bytes:
            try:
                row, turns = _lift(messages)
                if not turns:
                    raise InputError("it has no messages")
                name, content = orjson.dumps(custom_id), orjson.dumps(turns)
                start = middle
                if row:
                    system = orjson.dumps(_system(shared, row, cached=cached))
                    start = before + b'"system":' + system + b"," + key
            except UNSENDABLE as exc:
                raise unsendable(custom_id, exc) from exc
            return b"".join((head, name, start, content, tail))

        refuse_problems(self.check(encode("a", SAMPLE))[2])
        return encode

    def extend(self, line: bytes, custom_id: str, messages: Messages) -> bytes:
        """Return the request line with a new id and `messages` appended."""
        request = orjson.loads(line)
        request["custom_id"] = custom_id
        params = request["params"]
        params["messages"] = [*params["messages"], *map(_turn, messages)]
        return orjson.dumps(request) + b"\n"

    def check(self, line: bytes) -> tuple[str | None, str | None, list[LineError]]:
        """Check one request line as the API does on creation."""
        return check_line(line, own_host=self._own_host)

    def endpoint(self, line: bytes) -> str:
        """Return the endpoint of every Anthropic request."""
        del line
        return "/v1/messages"

    def decode(self, line: bytes) -> BatchResult:
        """Decode one result line."""
        return decode_plain(line) or decode_line(line)


def _turn(message: Message) -> Message:
    if type(message.get("content")) is str:
        return message
    return {**message, "content": _content_blocks(message["content"])}


def _lift(messages: Messages) -> tuple[list[Any], list[Message]]:
    """Split into the contents of system messages, and the turns.

    System messages alone are no conversation; they are sent as the user's turn.
    """
    system = [m["content"] for m in messages if m["role"] in _SYSTEM_ROLES]
    if not system:
        return [], [_turn(message) for message in messages]
    turns = [_turn(m) for m in messages if m["role"] not in _SYSTEM_ROLES]
    if turns:
        return system, turns
    return [], [_turn({"role": "user", "content": content}) for content in system]


def _system(shared: str | None, row: Any, *, cached: bool) -> Any:
    """Return the `system` parameter: one text, or blocks where something needs them.

    Only what rows share is marked for the cache; the mark ends the prefix.
    """
    texts: list[Any] = [shared] if shared else []
    marked = len(texts)
    texts += row
    if not texts:
        return None
    if not cached and all(isinstance(text, str) for text in texts):
        return "\n\n".join(texts)
    blocks: list[Mapping[str, Any]] = []
    for text in texts:
        plain = isinstance(text, str)
        blocks += [{"type": "text", "text": text}] if plain else _content_blocks(text)
    if cached:
        last = (marked or len(blocks)) - 1
        blocks[last] = {**blocks[last], "cache_control": _CACHED}
    return blocks


def _content_blocks(content: Any) -> Any:
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
