"""Checks request lines as OpenAI validates a file: one bad line refuses the file.

Lines with common members and values in bounds take a fast path that decodes only a few
fields. A line that fails it is decoded again to find everything that is wrong with it.

The sandbox's `openai/check.py` is an independent judge of this check: they share
neither code nor tables, and a test compares what both say of the same files.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Literal

import msgspec

from ...errors import InputError
from ...models import LineError
from ..lines import load_request
from .bounds import body_problems
from .endpoints import REQUIRED
from .models import refuses

__all__ = ["check_line", "read_endpoint"]

_NOTHING = msgspec.Raw(b"")
_UNREAD = frozenset({"json_schema"})
"""Refusals that the fast path does not look for."""


_Tokens = Annotated[int, msgspec.Meta(ge=1)] | None
_Share = Annotated[float, msgspec.Meta(ge=0, le=1)] | None
_Temperature = Annotated[float, msgspec.Meta(ge=0, le=2)] | None
_Name = Annotated[str, msgspec.Meta(pattern=r"\A[a-zA-Z0-9_-]{1,64}\Z")]


class _Message(msgspec.Struct, gc=False):
    role: Literal["system", "developer", "user", "assistant", "tool", "function"]


class _Item(msgspec.Struct, gc=False):
    role: Literal["system", "developer", "user", "assistant"] | None = None


class _Named(msgspec.Struct, gc=False):
    """A schema or a function."""

    name: _Name


class _Choice(msgspec.Struct, gc=False):
    function: _Named | None = None
    name: str | None = None


class _ResponseFormat(msgspec.Struct, gc=False):
    json_schema: _Named | None = None


class _Text(msgspec.Struct, gc=False):
    format: _Named | None = None


class _Body(msgspec.Struct, gc=False, forbid_unknown_fields=True, kw_only=True):
    model: Annotated[str, msgspec.Meta(min_length=1)]
    stream: Literal[False] | None = None
    temperature: _Temperature = None
    top_p: _Share = None
    tool_choice: str | _Choice | None = None
    parallel_tool_calls: bool | None = None
    metadata: msgspec.Raw = _NOTHING
    service_tier: Literal["auto", "default", "flex", "priority"] | None = None
    user: str | None = None


class _Function(msgspec.Struct, gc=False):
    function: _Named

    @property
    def name(self) -> str:
        return self.function.name


class _ChatBody(_Body, kw_only=True):
    messages: Annotated[list[_Message], msgspec.Meta(min_length=1)]
    max_tokens: _Tokens = None
    max_completion_tokens: _Tokens = None
    response_format: _ResponseFormat | None = None
    seed: int | None = None
    tools: list[_Function] | None = None


class _ResponsesBody(_Body, kw_only=True):
    input: str | list[_Item]
    instructions: msgspec.Raw = _NOTHING
    max_output_tokens: Annotated[int, msgspec.Meta(ge=16)] | None = None
    text: _Text | None = None
    tools: list[_Named] | None = None


class _EmbeddingsBody(msgspec.Struct, gc=False, forbid_unknown_fields=True):
    model: Annotated[str, msgspec.Meta(min_length=1)]
    input: str | list[str | int | list[int]]
    dimensions: _Tokens = None
    encoding_format: Literal["float", "base64"] | None = None


class _Line(msgspec.Struct, gc=False, tag_field="url"):
    custom_id: Annotated[str, msgspec.Meta(min_length=1)]
    method: Literal["POST"]


class _ChatLine(_Line, tag="/v1/chat/completions"):
    body: _ChatBody


class _ResponsesLine(_Line, tag="/v1/responses"):
    body: _ResponsesBody


class _EmbeddingsLine(_Line, tag="/v1/embeddings"):
    body: _EmbeddingsBody


class _Url(msgspec.Struct, gc=False):
    url: str


_read_line = msgspec.json.Decoder(_ChatLine | _ResponsesLine | _EmbeddingsLine).decode
_read_url = msgspec.json.Decoder(_Url).decode

Checked = tuple[str | None, str | None, list[LineError]]


def check_line(line: bytes, *, own_host: bool = True) -> Checked:
    """Return custom_id, model and every problem of one request line.

    Args:
        line: The line.
        own_host: Whether OpenAI itself answers; what other services refuse is not
            known, so that its bounds are warnings there.
    """
    try:
        if not line.isascii():
            line.decode()  # msgspec does not look into the strings that it skips
        request = _read_line(line)
    except (ValueError, RecursionError):
        return _diagnose(line, own_host=own_host)
    body = request.body
    choice = getattr(body, "tool_choice", None)
    if choice and not _is_there(choice, body.tools or ()):
        return _diagnose(line, own_host=own_host)
    if any(
        name in _UNREAD or getattr(body, name, None) is not None
        for name in refuses(body.model)
    ):
        return _diagnose(line, own_host=own_host)
    return request.custom_id, body.model, []


def _is_there(choice: str | _Choice, tools: Sequence[_Named | _Function]) -> bool:
    """Whether a choice of tools is one of those that there are."""
    if isinstance(choice, str):
        return bool(tools)
    name = (choice.function or choice).name
    return any(tool.name == name for tool in tools)


def read_endpoint(line: bytes) -> str:
    """Return the endpoint of a request line.

    Raises:
        InputError: The line has none.
    """
    try:
        return _read_url(line).url
    except (ValueError, RecursionError) as exc:
        problems = _diagnose(line, own_host=True)[2]
        said = problems[0].message if problems else "it has no `url`."
        raise InputError(f"This request line cannot be sent: {said}") from exc


def _diagnose(line: bytes, *, own_host: bool) -> Checked:
    try:
        request = load_request(line)
    except ValueError as exc:
        return None, None, [_problem("invalid_json_line", None, str(exc))]
    custom_id = request.get("custom_id")
    custom_id = custom_id if isinstance(custom_id, str) else None
    problems = [*_envelope(request), *_body(request, own_host=own_host)]
    body = request.get("body")
    model = body.get("model") if isinstance(body, dict) else None
    return custom_id, model if isinstance(model, str) else None, problems


def _envelope(request: dict[str, Any]) -> list[LineError]:
    problems = [
        _problem("missing_required_parameter", key, f"it has no `{key}`.")
        for key in ("custom_id", "method", "url", "body")
        if request.get(key) in (None, "")
    ]
    custom_id = request.get("custom_id")
    if not isinstance(custom_id, str | None):
        message = "its `custom_id` must be a text."
        problems.append(_problem("invalid_request", "custom_id", message))
    method, url = request.get("method"), request.get("url")
    if method not in (None, "", "POST"):
        message = f"its `method` must be POST, not {method!r}."
        problems.append(_problem("invalid_method", "method", message))
    if url not in (None, "", *REQUIRED):
        message = f"its `url` {url!r} is no endpoint of the Batch API."
        problems.append(_problem("invalid_url", "url", message))
    return problems


def _body(request: dict[str, Any], *, own_host: bool) -> list[LineError]:
    body, url = request.get("body"), request.get("url")
    if body is None:
        return []
    if not isinstance(body, dict):
        return [_problem("invalid_request", "body", "its `body` must be an object.")]
    required = REQUIRED.get(url, ()) if isinstance(url, str) else ()
    problems = [
        _problem("invalid_request", f"body.{key}", f"its body has no `{key}`.")
        for key in required
        if body.get(key) in (None, "")
    ]
    model, messages = body.get("model", ""), body.get("messages", [])
    if not isinstance(model, str | None):
        message = "its `model` must be a text."
        problems.append(_problem("invalid_request", "body.model", message))
    if not isinstance(messages, list | None):
        message = "its `messages` must be a list."
        problems.append(_problem("invalid_request", "body.messages", message))
    if body.get("stream") not in (None, False):
        message = "`stream` cannot be used in a batch."
        problems.append(_problem("streaming_unsupported", "body.stream", message))
    return [*problems, *body_problems(str(url), body, own_host=own_host)]


def _problem(code: str, param: str | None, message: str) -> LineError:
    return LineError(code=code, param=param, message=f"This line is wrong: {message}")
