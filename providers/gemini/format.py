"""Gemini's request and result lines.

A request line is `{"key", "request"}`. Its request names the model, as requests inside
a create call do: it is part of the path that creates a batch of the file.
"""

from __future__ import annotations

from typing import Any

import orjson

from ...errors import InputError
from ...models import BatchResult, LineError, Messages, RequestTemplate
from ..base import Encode, Limits
from ..lines import SAMPLE, UNSENDABLE, frame, refuse_problems, slot, unsendable
from ..schema.restore import Restorer
from ..vendor import Vendor
from .body import constants
from .check import check_line, is_embedding
from .content import contents_of, embedded_content, lifted, system_instruction
from .decode import decode_line
from .plain import decode_plain
from .record import EMBEDDINGS, GEMINI

__all__ = ["GeminiFormat"]


class GeminiFormat:
    """The lines of `generateContent` and `embedContent`."""

    limits = Limits(
        max_requests=50_000,
        max_bytes=2_000_000_000,
        source="https://ai.google.dev/gemini-api/docs/batch-api, as of November 2026;"
        " how many requests a batch takes is not stated",
    )

    def __init__(self, base_url: str | None = None, *, vendor: Vendor = GEMINI) -> None:
        self.vendor = vendor
        self.name = vendor.name
        self.base_url = vendor.address(base_url)
        self._restorer = Restorer()

    def restore(self, source: dict[str, Any], answer: Any) -> Any:
        """Bring a decoded answer back into the shape of the source schema."""
        return self._restorer(source, answer)

    def encoder(self, template: RequestTemplate) -> Encode:
        """Encode once what is constant; see `Format.encoder`."""
        if template.endpoint not in self.vendor.endpoints:
            raise InputError(f"Gemini has no endpoint {template.endpoint!r}.")
        has_text = template.endpoint != EMBEDDINGS
        if template.system and not has_text:
            raise InputError("An embedding has no system text: leave it out.")
        id_slot, content_slot = slot(), slot()
        member = "contents" if has_text else "content"
        head, middle, tail = frame(
            {
                "key": id_slot,
                "request": {
                    "model": self.vendor.model_path
                    + template.model.removeprefix(self.vendor.model_path),
                    **constants(template),
                    member: content_slot,
                },
            },
            id_slot,
            content_slot,
        )
        tail += b"\n"
        key = b'"%b":' % member.encode()
        before = middle.removesuffix(key)
        shared = [template.system] if template.system else []
        if shared:
            middle = _with_system(before, shared) + key

        def encode(custom_id: str, messages: Messages) -> bytes:
            try:
                if not messages:
                    raise InputError("it has no messages")
                start = middle
                if has_text:
                    row, turns = lifted(messages)
                    content: Any = contents_of(turns)
                    if row:
                        start = _with_system(before, shared + row) + key
                else:
                    content = embedded_content(messages)
                name, body = orjson.dumps(custom_id), orjson.dumps(content)
            except UNSENDABLE as exc:
                raise unsendable(custom_id, exc) from exc
            return b"".join((head, name, start, body, tail))

        refuse_problems(self.check(encode("a", SAMPLE))[2])
        return encode

    def extend(self, line: bytes, custom_id: str, messages: Messages) -> bytes:
        """Return the request line with a new id and `messages` appended."""
        found = orjson.loads(line)
        found["key"] = custom_id
        if messages:
            request = found["request"]
            if "content" in request:
                raise InputError(
                    "An embedding cannot be asked for again in other words."
                )
            request["contents"] = [*request["contents"], *contents_of(messages)]
        return orjson.dumps(found) + b"\n"

    def check(self, line: bytes) -> tuple[str | None, str | None, list[LineError]]:
        """Check one request line as the API does when it reads the file."""
        return check_line(line)

    def endpoint(self, line: bytes) -> str:
        """Return the endpoint that a request line is meant for."""
        return EMBEDDINGS if is_embedding(line) else self.vendor.endpoints[0]

    def decode(self, line: bytes) -> BatchResult:
        """Decode one result line."""
        return decode_plain(line) or decode_line(line)


def _with_system(before: bytes, texts: list[Any]) -> bytes:
    instruction = orjson.dumps(system_instruction(texts))
    return before + b'"systemInstruction":' + instruction + b","
