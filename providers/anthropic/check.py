"""Checks request lines as Anthropic does when a batch is created.

The create call checks the fields around `params`, and one bad line refuses the batch.
The parameters are checked later, for each request alone; what every request needs and
what is out of bounds is checked here.

The sandbox's `anthropic/requests.py` is an independent judge of this check: they share
neither code nor tables, and a test compares what both say of the same requests.
"""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

import msgspec

from ...models import LineError
from ..base import WARNING
from ..lines import load_request
from .bounds import body_problems
from .models import likely_output_limit, output_limit, refuses

__all__ = ["check_line"]

_CUSTOM_ID = r"\A[a-zA-Z0-9_-]{1,64}\Z"
_NOTHING = msgspec.Raw(b"")
_Share = Annotated[float, msgspec.Meta(ge=0, le=1)] | None
_ToolName = Annotated[str, msgspec.Meta(pattern=r"\A[a-zA-Z0-9_-]{1,128}\Z")]


class _Message(msgspec.Struct, gc=False):
    role: Literal["user", "assistant"]
    content: (
        Annotated[str, msgspec.Meta(min_length=1)]
        | Annotated[list[msgspec.Raw], msgspec.Meta(min_length=1)]
    )


class _Tool(msgspec.Struct, gc=False):
    name: _ToolName | None = None


class _Choice(msgspec.Struct, gc=False):
    type: Literal["auto", "none", "tool"]
    name: str | None = None


class _Output(msgspec.Struct, gc=False):
    effort: Literal["low", "medium", "high", "xhigh", "max"] | None = None


class _Params(msgspec.Struct, gc=False, forbid_unknown_fields=True):
    """Common members; a request with others is checked on the slow path."""

    model: Annotated[str, msgspec.Meta(min_length=1)]
    max_tokens: Annotated[int, msgspec.Meta(ge=1)]
    messages: Annotated[list[_Message], msgspec.Meta(min_length=1)]
    stream: Literal[False] | None = None
    speed: Literal["standard"] | None = None
    temperature: _Share = None
    top_p: _Share = None
    system: msgspec.Raw = _NOTHING
    tools: list[_Tool] | None = None
    tool_choice: _Choice | None = None
    output_config: _Output | None = None
    metadata: msgspec.Raw = _NOTHING
    stop_sequences: msgspec.Raw = _NOTHING


class _Line(msgspec.Struct, gc=False, forbid_unknown_fields=True):
    custom_id: Annotated[str, msgspec.Meta(pattern=_CUSTOM_ID)]
    params: _Params


_read_line = msgspec.json.Decoder(_Line).decode

Checked = tuple[str | None, str | None, list[LineError]]


def check_line(line: bytes, *, own_host: bool = True) -> Checked:
    """Return custom_id, model and every problem of one request line.

    Args:
        line: The line.
        own_host: Whether Anthropic itself answers; what other services refuse is not
            known, so that its bounds are warnings there.
    """
    try:
        if not line.isascii():
            line.decode()  # msgspec does not look into the strings that it skips
        request = _read_line(line)
    except (ValueError, RecursionError):
        return _diagnose(line, own_host=own_host)
    params = request.params
    refused, choice = refuses(params.model), params.tool_choice
    names = [tool.name for tool in params.tools or ()]
    if (
        params.max_tokens
        <= min(output_limit(params.model), likely_output_limit(params.model))
        and params.messages[0].role == "user" == params.messages[-1].role
        and b'"tool_result"' not in line
        and (choice is None or choice.type != "tool" or choice.name in names)
        and not (b'"json_schema"' in line and "json_schema" in refused)
        and (params.temperature is params.top_p is None or "top_p" not in refused)
    ):
        return request.custom_id, params.model, []
    return _diagnose(line, own_host=own_host)


def _diagnose(line: bytes, *, own_host: bool) -> Checked:
    try:
        request = load_request(line)
    except ValueError as exc:
        return None, None, [_problem(None, str(exc))]
    custom_id = request.get("custom_id")
    problems = []
    if custom_id is None:
        problems.append(_problem("custom_id", "it has no `custom_id`."))
    elif not isinstance(custom_id, str) or not re.fullmatch(_CUSTOM_ID, custom_id):
        message = "its `custom_id` must be 1 to 64 of the characters A-Z a-z 0-9 _ -."
        problems.append(_problem("custom_id", message))
    problems += [
        _problem(key, f"a request has no `{key}`; remove it.")
        for key in request.keys() - {"custom_id", "params"}
    ]
    params = request.get("params")
    if not isinstance(params, dict):
        problems.append(_problem("params", "it has no `params` object."))
        return _text(custom_id), None, problems
    problems += _params(params, own_host=own_host)
    return _text(custom_id), _text(params.get("model")), problems


def _params(params: dict[str, Any], *, own_host: bool) -> list[LineError]:
    problems = [
        _problem(f"params.{key}", f"its params have no `{key}`.")
        for key in ("model", "max_tokens", "messages")
        if params.get(key) in (None, "")
    ]
    model, messages = params.get("model", ""), params.get("messages")
    limit = params.get("max_tokens", 1)
    if not isinstance(model, str | None):
        problems.append(_problem("params.model", "its `model` must be a text."))
    if limit is not None and (type(limit) is not int or limit < 1):
        message = "its `max_tokens` must be a whole number from 1."
        problems.append(_problem("params.max_tokens", message))
    if messages == [] or not isinstance(messages or [], list):
        message = "its `messages` must be a list that is not empty."
        problems.append(_problem("params.messages", message))
    if params.get("stream") not in (None, False):
        message = "`stream` cannot be used in a batch."
        problems.append(_problem("params.stream", message))
    if params.get("speed") == "fast":
        message = "`speed` fast cannot be used in a batch."
        problems.append(_problem("params.speed", message))
    found = body_problems(params)
    code = None if own_host else WARNING
    return [
        *problems,
        *(_problem(f"params.{name}", said, code) for name, said in found),
        *_likely(params),
    ]


def _likely(params: dict[str, Any]) -> list[LineError]:
    """Return what no page of the vendor's says: warnings."""
    tokens, model = params.get("max_tokens"), params.get("model")
    if type(tokens) is not int or type(model) is not str:
        return []
    if tokens <= (limit := likely_output_limit(model)):
        return []
    message = f"its `max_tokens` {tokens} may be above the limit of {model}, {limit}."
    return [_problem("params.max_tokens", message, WARNING)]


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def _problem(param: str | None, message: str, code: str | None = None) -> LineError:
    head = "This line may be refused" if code == WARNING else "This line is wrong"
    return LineError(
        code=code or "invalid_request_error",
        param=param,
        message=f"{head}: {message}",
    )
