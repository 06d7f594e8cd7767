"""Request and result lines of OpenAI and of vendors that use its wire format."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import orjson

from ...errors import InputError
from ...models import BatchResult, LineError, Message, Messages, RequestTemplate
from ..address import is_own
from ..base import Encode
from ..lines import (
    SAMPLE,
    UNSENDABLE,
    frame,
    object_of,
    refuse_problems,
    slot,
    unsendable,
)
from ..schema.restore import Restorer
from .body import constants
from .check import check_line, read_endpoint
from .decode import decode_line
from .endpoints import ENDPOINTS, Endpoint, holds_data, with_documents
from .plain import decode_plain
from .record import OPENAI, Dialect

__all__ = ["OpenAIFormat"]


class OpenAIFormat:
    """The lines of `/v1/chat/completions`, `/v1/responses` and `/v1/embeddings`."""

    def __init__(
        self, base_url: str | None = None, *, vendor: Dialect = OPENAI
    ) -> None:
        self.vendor = vendor
        self.name = vendor.name
        self.limits = vendor.limits
        self.base_url = vendor.address(base_url)
        self._own_host = is_own(self.base_url, OPENAI)
        self._restorer = Restorer()
        self._endpoints = {self._url(each): each for each in vendor.endpoints}

    def restore(self, source: dict[str, Any], answer: Any) -> Any:
        """Bring a decoded answer back into the shape of the source schema."""
        return self._restorer(source, answer)

    def encoder(self, template: RequestTemplate) -> Encode:
        """Encode once what is constant; see `Format.encoder`."""
        if template.endpoint not in self.vendor.endpoints:
            raise InputError(
                f"{self.vendor.title} has no endpoint {template.endpoint!r}."
            )
        endpoint = ENDPOINTS[template.endpoint]
        convert, lead = self._converter(endpoint), b""
        body: dict[str, Any] = {"model": template.model}
        first: list[Message] = []
        if template.system and endpoint.system:
            body[endpoint.system] = template.system
        elif template.system:
            first = [{"role": "system", "content": template.system}]
        if (
            first and endpoint.convert is list
        ):  # then it is the same bytes in every request
            lead, first = orjson.dumps(first)[:-1] + b",", []
        id_slot, content_slot = slot(), slot()
        where = {"method": "POST", "url": self._url(template.endpoint)}
        head, middle, tail = frame(
            {
                "custom_id": id_slot,
                **(where if self.vendor.names_url else {}),
                "body": {
                    **body,
                    endpoint.content: content_slot,
                    **constants(template, self.vendor, own_host=self._own_host),
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
            body, endpoint = request["body"], ENDPOINTS[self.endpoint(line)]
            if not endpoint.has_text:
                raise InputError(
                    "An embedding cannot be asked for again in other words."
                )
            said = body[endpoint.content]
            if isinstance(said, str):
                said = [{"role": "user", "content": said}]
            body[endpoint.content] = [*said, *self._converter(endpoint)(messages)]
        return orjson.dumps(request) + b"\n"

    def check(self, line: bytes) -> tuple[str | None, str | None, list[LineError]]:
        """Check one request line as the API's validation of a file does."""
        line = self._as_openai(line)
        custom_id, model, problems = check_line(line, own_host=self._own_host)
        own = self.vendor.own_members
        problems = [
            each
            for each in problems
            if not own or str(each.param).removeprefix("body.") not in own
        ]
        if self.vendor.links_only and holds_data(line):
            text = (
                "This line is wrong: it holds an image or a file, which"
                f" {self.vendor.title} takes as a link only: give its URL."
            )
            problem = LineError(code="invalid_request", param="body", message=text)
            problems.append(problem)
        return custom_id, model, problems

    def endpoint(self, line: bytes) -> str:
        """Return the endpoint that a request line is meant for."""
        return read_endpoint(self._as_openai(line))

    def decode(self, line: bytes) -> BatchResult:
        """Decode one line of an output or error file."""
        return decode_plain(line) or decode_line(line)

    def _converter(self, endpoint: Endpoint) -> Callable[[Messages], Any]:
        is_chat = endpoint.convert is list
        return (
            with_documents
            if is_chat and self.vendor.document_urls
            else endpoint.convert
        )

    def _url(self, endpoint: str) -> str:
        """Return what a request line calls an endpoint."""
        return self.vendor.url_prefix + endpoint.removeprefix(OPENAI.url_prefix)

    def _as_openai(self, line: bytes) -> bytes:
        """Return the line as OpenAI would have it, which has one check for all."""
        if self.vendor.names_url and self.vendor.url_prefix == OPENAI.url_prefix:
            return line
        request = object_of(line)
        if not self.vendor.names_url:
            has_input = "input" in (request.get("body") or {})
            url = "/v1/embeddings" if has_input else "/v1/chat/completions"
            where = {"method": "POST", "url": url}
        else:
            url = str(request.get("url", ""))
            where = {"url": self._endpoints.get(url, url)}
        return orjson.dumps({**request, **where}) if request else line
