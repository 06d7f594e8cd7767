"""Checks request lines as Anthropic does when a batch is created.

The create call checks the fields around `params`, and one bad line refuses the batch.
The parameters are checked later, for each request alone; what every request needs and
what is out of bounds is checked here. A member that is not in `models.py` is a warning,
since new ones appear.

The sandbox's `anthropic/requests.py` is an independent judge of this check: they share
the tables in `models.py` but no code, and a test compares what both say of the same
requests.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from typing import Annotated, Any, Literal

import msgspec

from ...models import LineError
from ..base import WARNING
from ..lines import load_request
from .models import MEMBERS, MIN_BUDGET, RANGES, output_limit

__all__ = ["check_line"]

_CUSTOM_ID = r"\A[a-zA-Z0-9_-]{1,64}\Z"
_NOTHING = msgspec.Raw(b"")


_Share = Annotated[float, msgspec.Meta(ge=0, le=1)] | None


class _Params(msgspec.Struct, gc=False, forbid_unknown_fields=True):
    """Common members; a request with others is checked on the slow path."""

    model: str
    max_tokens: Annotated[int, msgspec.Meta(ge=1)]
    messages: msgspec.Raw = _NOTHING
    stream: Literal[False] | None = None
    speed: Literal["standard"] | None = None
    temperature: _Share = None
    top_p: _Share = None
    system: msgspec.Raw = _NOTHING
    tools: msgspec.Raw = _NOTHING
    tool_choice: msgspec.Raw = _NOTHING
    output_config: msgspec.Raw = _NOTHING
    metadata: msgspec.Raw = _NOTHING
    stop_sequences: msgspec.Raw = _NOTHING


class _Line(msgspec.Struct, gc=False, forbid_unknown_fields=True):
    custom_id: Annotated[str, msgspec.Meta(pattern=_CUSTOM_ID)]
    params: _Params


_read_line = msgspec.json.Decoder(_Line).decode

Checked = tuple[str | None, str | None, list[LineError]]


def check_line(line: bytes) -> Checked:
    """Return custom_id, model and every problem of one request line."""
    try:
        if not line.isascii():
            line.decode()  # msgspec does not look into the strings that it skips
        request = _read_line(line)
    except (ValueError, RecursionError):
        return _diagnose(line)
    params = request.params
    messages = bytes(params.messages)
    if (
        params.model
        and messages.startswith(b"[")
        and messages != b"[]"
        and b'"tool_result"' not in messages
        and params.max_tokens <= output_limit(params.model)
    ):
        return request.custom_id, params.model, []
    return _diagnose(line)


def _diagnose(line: bytes) -> Checked:
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
    return _text(custom_id), _text(params.get("model")), [*problems, *_params(params)]


def _params(params: dict[str, Any]) -> list[LineError]:
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
    return [*problems, *_out_of_bounds(params)]


def _out_of_bounds(params: dict[str, Any]) -> list[LineError]:
    """Return what is out of bounds; an unknown member is a warning."""
    unknown = sorted(params.keys() - MEMBERS)
    return [
        *_numbers(params),
        *_tokens(params),
        *_tool_results(params.get("messages")),
        *(
            _problem(f"params.{name}", f"Anthropic knows no `{name}`.", WARNING)
            for name in unknown
        ),
    ]


def _numbers(params: dict[str, Any]) -> Iterator[LineError]:
    for name, (low, high) in RANGES.items():
        value = params.get(name)
        if value is None:
            continue
        if not isinstance(value, int | float) or isinstance(value, bool):
            yield _problem(f"params.{name}", f"its `{name}` must be a number.")
        elif not low <= value <= high:
            bound = f"from {low}" + (f" to {high}" if high < math.inf else "")
            yield _problem(f"params.{name}", f"its `{name}` {value} must be {bound}.")


def _tokens(params: dict[str, Any]) -> Iterator[LineError]:
    tokens, model = params.get("max_tokens"), params.get("model")
    if not isinstance(tokens, int) or isinstance(tokens, bool):
        return
    if isinstance(model, str) and tokens > (limit := output_limit(model)):
        message = f"its `max_tokens` {tokens} are above the {limit} of {model}."
        yield _problem("params.max_tokens", message)
    thinking, choice = params.get("thinking"), params.get("tool_choice")
    kind = thinking.get("type") if isinstance(thinking, dict) else None
    forced = isinstance(choice, dict) and choice.get("type") in {"any", "tool"}
    if forced and kind in {"adaptive", "enabled"}:
        message = "its `tool_choice` forces a tool, which `thinking` does not allow:"
        message += ' leave one out, or set `tool_choice` to `{"type": "auto"}`.'
        yield _problem("params.tool_choice", message)
    if kind != "enabled":
        return
    budget = thinking.get("budget_tokens")
    name = "thinking.budget_tokens"
    if not isinstance(budget, int) or budget < MIN_BUDGET:
        yield _problem(f"params.{name}", f"its `{name}` must be at least {MIN_BUDGET}.")
    elif budget >= tokens:
        yield _problem(f"params.{name}", f"its `{name}` must be below `max_tokens`.")


def _tool_results(messages: Any) -> Iterator[LineError]:
    called: set[Any] = set()
    for number, message in enumerate(messages if isinstance(messages, list) else ()):
        content = message.get("content") if isinstance(message, dict) else None
        blocks = [b for b in content if isinstance(b, dict)] if content else []
        for block in blocks:
            found = block.get("tool_use_id")
            if block.get("type") == "tool_result" and found not in called:
                text = f"it has a tool result for {found!r}, which the message before"
                yield _problem(f"params.messages[{number}]", f"{text} did not call.")
        called = {b.get("id") for b in blocks if b.get("type") == "tool_use"}


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def _problem(param: str | None, message: str, code: str | None = None) -> LineError:
    head = "This line may be refused" if code == WARNING else "This line is wrong"
    return LineError(
        code=code or "invalid_request_error",
        param=param,
        message=f"{head}: {message}",
    )
