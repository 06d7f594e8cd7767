"""Bedrock's request and result lines: a `recordId`, and a body of Converse or a model.

Rows and templates contain chat messages: `text`, `image_url` and `file` parts; images
and files are `data:` URLs. A batch has neither tools nor structured output, so a schema
is asked for in the system text, and nothing enforces it.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from typing import Any

import orjson

from ...errors import InputError
from ...models import BatchResult, LineError, Message, Messages, RequestTemplate
from ..anthropic.format import AnthropicFormat
from ..base import Encode, Limits
from ..lines import (
    SAMPLE,
    UNSENDABLE,
    frame,
    object_of,
    refuse_problems,
    slot,
    unsendable,
    with_params,
)
from ..vendor import Vendor
from .check import check_line, is_converse
from .decode import SCHEMA_ASKED, decode_line
from .plain import decode_plain
from .record import BEDROCK, CONVERSE, INVOKE

__all__ = ["BedrockFormat"]

_MINIMUM = "BEDROCK_BATCH_MIN_RECORDS"
_OWN = frozenset({"messages", "system", "modelId", "toolConfig", "outputConfig"})
_SYSTEM_ROLES = frozenset({"system", "developer"})
_IMAGES = frozenset({"png", "jpeg", "gif", "webp"})
_CLAUDE = "anthropic."
_VERSION = "bedrock-2023-05-31"


def _minimum() -> int:
    """Return the quota of the account: how many records a job has at least."""
    given = os.environ.get(_MINIMUM, "100")
    if not given.isdecimal() or int(given) < 1:
        raise InputError(f"{_MINIMUM} must be a whole number from 1, not {given!r}.")
    return int(given)


class BedrockFormat:
    """The lines of jobs of both types."""

    def __init__(
        self, base_url: str | None = None, *, vendor: Vendor = BEDROCK
    ) -> None:
        self.vendor = vendor
        self.name = vendor.name
        self.base_url = vendor.address(base_url)
        self.limits = Limits(
            min_requests=_minimum(),
            max_requests=100_000,
            max_bytes=1_000_000_000,
            source="https://docs.aws.amazon.com/bedrock/latest/userguide/quotas.html, "
            "as of November 2026",
        )

    def restore(self, source: dict[str, Any], answer: Any) -> Any:
        """Return the answer: the schema was shown as it is."""
        del source
        return answer

    def encoder(self, template: RequestTemplate) -> Encode:
        """Encode once what is constant; see `Format.encoder`."""
        if template.endpoint not in self.vendor.endpoints:
            raise InputError(
                f"{self.vendor.title} has no endpoint {template.endpoint!r}."
            )
        if template.answer_schema is not None and template.mode != "auto":
            raise InputError(
                f"{self.vendor.title}'s batches have no structured output and no tools:"
                " leave out `--mode`; the schema is asked for in the prompt."
            )
        if taken := sorted(_OWN & template.params.keys()):
            raise InputError(
                f"`--param {taken[0]}` cannot be set: the job decides it, or a batch"
                " has no such thing."
            )
        system = _system_text(template)
        if template.endpoint == INVOKE:
            encode = _invoke_encoder(template, system)
        else:
            encode = _converse_encoder(template, system)
        refuse_problems(self.check(encode("a", SAMPLE))[2])
        return encode

    def extend(self, line: bytes, custom_id: str, messages: Messages) -> bytes:
        """Return the request line with a new id and `messages` appended."""
        request = orjson.loads(line)
        request["recordId"] = custom_id
        body = request["modelInput"]
        if "messages" not in body:
            raise InputError("This request has no messages that could be continued.")
        more = map(_turn, messages) if is_converse(body) else messages
        body["messages"] = [*body["messages"], *more]
        return orjson.dumps(request) + b"\n"

    def check(self, line: bytes) -> tuple[str | None, str | None, list[LineError]]:
        """Check one request line; the model is the job's, so none is returned."""
        return check_line(line)

    def endpoint(self, line: bytes) -> str:
        """Return the form of a request line."""
        body = object_of(line).get("modelInput")
        is_own = isinstance(body, dict) and not is_converse(body)
        return INVOKE if is_own else CONVERSE

    def decode(self, line: bytes) -> BatchResult:
        """Decode one result line."""
        return decode_plain(line) or decode_line(line)


def _system_text(template: RequestTemplate) -> str | None:
    """Return the system text of all rows, with the schema of the answer."""
    if template.answer_schema is None:
        return template.system
    schema = orjson.dumps(template.answer_schema).decode()
    asked = f"{SCHEMA_ASKED} {schema}"
    return f"{template.system}\n\n{asked}" if template.system else asked


def _converse_encoder(template: RequestTemplate, system: str | None) -> Encode:
    given = template.params.get("inferenceConfig")
    if isinstance(given, Mapping) and "maxTokens" in given:
        raise InputError(
            "`--param inferenceConfig.maxTokens` cannot be set: use `--max-tokens`."
        )
    limits: dict[str, Any] = {}
    if template.max_tokens is not None:
        limits["maxTokens"] = template.max_tokens
    if template.temperature is not None:
        limits["temperature"] = template.temperature
    ours = {"inferenceConfig": limits} if limits else {}
    shared = [{"text": system}] if system else []
    id_slot, content_slot = slot(), slot()
    # An own mark for the system text, because some rows have more of it.
    head, middle, tail = frame(
        {
            "recordId": id_slot,
            "modelInput": {
                **with_params(ours, template.params),
                "messages": content_slot,
            },
        },
        id_slot,
        content_slot,
    )
    tail += b"\n"
    key = b'"messages":'
    before = middle.removesuffix(key)
    start = before + _system(shared) + key

    def encode(custom_id: str, messages: Messages) -> bytes:
        try:
            name, own = orjson.dumps(custom_id), start
            turns = [
                _turn(each) for each in messages if each["role"] not in _SYSTEM_ROLES
            ]
            if len(turns) != len(messages):
                said = [m for m in messages if m["role"] in _SYSTEM_ROLES]
                if turns:
                    blocks = [block for each in said for block in _blocks(each)]
                    own = before + _system([*shared, *blocks]) + key
                else:  # system messages alone are sent as the user's turn
                    turns = [{**_turn(each), "role": "user"} for each in said]
            if not turns:
                raise InputError("it has no messages")
            content = orjson.dumps(turns)
        except UNSENDABLE as exc:
            raise unsendable(custom_id, exc) from exc
        return b"".join((head, name, own, content, tail))

    return encode


def _system(blocks: list[Any]) -> bytes:
    return b'"system":' + orjson.dumps(blocks) + b"," if blocks else b""


def _invoke_encoder(template: RequestTemplate, system: str | None) -> Encode:
    """Return what writes Claude's own requests.

    Raises:
        InputError: Another model, whose requests have another form.
    """
    _, is_claude, model = template.model.rpartition(_CLAUDE)
    if not is_claude:
        raise InputError(
            f"The requests of {template.model!r} in the form of InvokeModel are not"
            f" known: use the endpoint {CONVERSE}, or write the file yourself."
        )
    facts = {"model": model, "endpoint": "/v1/messages", "system": system}
    inner = AnthropicFormat().encoder(
        template.model_copy(update={**facts, "answer_schema": None})
    )

    def encode(custom_id: str, messages: Messages) -> bytes:
        params = orjson.loads(inner(custom_id, messages))["params"]
        del params["model"]
        body = {"anthropic_version": _VERSION, **params}
        return orjson.dumps({"recordId": custom_id, "modelInput": body}) + b"\n"

    return encode


def _turn(message: Message) -> dict[str, Any]:
    return {"role": message["role"], "content": _blocks(message)}


def _blocks(message: Message) -> list[Any]:
    """Return the content of a message as blocks of Converse; such blocks stay.

    Raises:
        InputError: A part that a batch cannot hold.
    """
    content = message["content"]
    if type(content) is str:
        return [{"text": content}]
    return [_block(part) for part in content]


def _block(part: Mapping[str, Any]) -> Mapping[str, Any]:
    match part.get("type"):
        case "text":
            return {"text": part["text"]}
        case "image_url":
            kind, data = _data_of(part["image_url"]["url"], "image/")
            if kind not in _IMAGES:
                known = ", ".join(sorted(_IMAGES))
                raise InputError(f"Bedrock takes images as {known}, not {kind!r}.")
            return {"image": {"format": kind, "source": {"bytes": data}}}
        case "file":
            file = part["file"]
            kind, data = _data_of(file.get("file_data") or "", "application/")
            if kind != "pdf":
                raise InputError(f"Bedrock takes PDF files, not {kind!r}.")
            name = re.sub(r"[^A-Za-z0-9 ()\[\]-]+", "-", file.get("filename") or "file")
            source = {"bytes": data}
            return {"document": {"format": kind, "name": name, "source": source}}
        case _:
            return part


def _data_of(url: str, head: str) -> tuple[str, str]:
    """Return the kind and the base64 text of a data URL."""
    found = re.match(rf"data:{head}([\w.+-]+);base64,", url)
    if found is None:
        raise InputError(
            "Images and files for Bedrock travel inside the request: give a base64"
            f" `data:` URL, not {url[:40]!r}."
        )
    return found[1], url[found.end() :]
