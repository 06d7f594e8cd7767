"""Request and result lines of OpenAI and of vendors that use its wire format."""

from __future__ import annotations

import os
from typing import Any

import orjson

from ...errors import InputError
from ...models import BatchResult, LineError, Message, Messages, RequestTemplate
from ..address import is_own
from ..base import Encode, Limits
from ..lines import SAMPLE, UNSENDABLE, frame, refuse_problems, slot, unsendable
from ..schema.restore import Restorer
from ..vendors import OPENAI
from .body import constants
from .check import check_line, read_endpoint
from .decode import decode_line
from .endpoints import ENDPOINTS
from .plain import decode_plain

__all__ = ["OpenAIFormat"]


class OpenAIFormat:
    """The lines of `/v1/chat/completions`, `/v1/responses` and `/v1/embeddings`."""

    vendor = OPENAI
    limits = Limits(
        max_requests=50_000,
        max_bytes=200_000_000,
        source="https://platform.openai.com/docs/api-reference/batch/create, "
        "as of November 2026",
    )

    def __init__(self, base_url: str | None = None) -> None:
        self.name = self.vendor.name
        found = base_url or os.environ.get(self.vendor.base_url_variable)
        self.base_url: str = found or self.vendor.base_url
        self._own_host = is_own(self.base_url, OPENAI)
        self._restorer = Restorer()

    def restore(self, source: dict[str, Any], answer: Any) -> Any:
        """Bring a decoded answer back into the shape of the source schema."""
        return self._restorer(source, answer)

    def encoder(self, template: RequestTemplate) -> Encode:
        """Encode once what is constant; see `Format.encoder`."""
        if template.endpoint not in ENDPOINTS:
            raise InputError(
                f"{self.vendor.title} has no endpoint {template.endpoint!r}."
            )
        endpoint = ENDPOINTS[template.endpoint]
        convert, lead = endpoint.convert, b""
        body: dict[str, Any] = {"model": template.model}
        first: list[Message] = []
        if template.system and endpoint.system:
            body[endpoint.system] = template.system
        elif template.system:
            first = [{"role": "system", "content": template.system}]
        if first and convert is list:  # then it is the same bytes in every request
            lead, first = orjson.dumps(first)[:-1] + b",", []
        id_slot, content_slot = slot(), slot()
        head, middle, tail = frame(
            {
                "custom_id": id_slot,
                "method": "POST",
                "url": template.endpoint,
                "body": {
                    **body,
                    endpoint.content: content_slot,
                    **constants(template, own_host=self._own_host),
                },
            },
            id_slot,
            content_slot,
        )
        middle += lead
        tail += b"\n"
        skip = 1 if lead else 0

        def encode(custom_id: str, messages: Messages) -> bytes:
            try:
                if not messages:
                    raise InputError("it has no messages")
                name = orjson.dumps(custom_id)
                content = orjson.dumps(convert([*first, *messages]))
            except UNSENDABLE as exc:
                raise unsendable(custom_id, exc) from exc
            return b"".join((head, name, middle, content[skip:], tail))

        refuse_problems(self.check(encode("a", SAMPLE))[2])
        return encode

    def extend(self, line: bytes, custom_id: str, messages: Messages) -> bytes:
        """Return the request line with a new id and `messages` appended."""
        request = orjson.loads(line)
        request["custom_id"] = custom_id
        if messages:
            body, endpoint = request["body"], ENDPOINTS[request["url"]]
            if not endpoint.has_text:
                raise InputError(
                    "An embedding cannot be asked for again in other words."
                )
            said = body[endpoint.content]
            if isinstance(said, str):
                said = [{"role": "user", "content": said}]
            body[endpoint.content] = [*said, *endpoint.convert(messages)]
        return orjson.dumps(request) + b"\n"

    def check(self, line: bytes) -> tuple[str | None, str | None, list[LineError]]:
        """Check one request line as the API's validation of a file does."""
        return check_line(line, own_host=self._own_host)

    def endpoint(self, line: bytes) -> str:
        """Return the endpoint that a request line is meant for."""
        return read_endpoint(line)

    def decode(self, line: bytes) -> BatchResult:
        """Decode one line of an output or error file."""
        return decode_plain(line) or decode_line(line)
