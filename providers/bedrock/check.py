"""Checks request lines of a job; Bedrock itself refuses a body as that record's error.

The sandbox's `bedrock/requests.py` is an independent judge of this check.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec

from ...models import LineError
from ..base import WARNING
from ..lines import load_request

__all__ = ["check_line", "is_converse"]

_NAMES = """
    additionalModelRequestFields additionalModelResponseFieldPaths guardrailConfig
    inferenceConfig messages outputConfig performanceConfig promptVariables
    requestMetadata serviceTier system toolConfig
    """
_MEMBERS = frozenset(_NAMES.split())
"""Members of Converse, of the types of botocore 1.44.8; a body with any other one is a
model's own."""
_REFUSED = ("toolConfig", "outputConfig")
_LIMITS = frozenset({"maxTokens", "stopSequences", "temperature", "topP"})

Checked = tuple[str | None, str | None, list[LineError]]


class _Message(msgspec.Struct, gc=False):
    role: Literal["user", "assistant"]
    content: Annotated[list[dict[str, msgspec.Raw]], msgspec.Meta(min_length=1)]


class _Config(msgspec.Struct, gc=False, forbid_unknown_fields=True):
    maxTokens: Annotated[int, msgspec.Meta(ge=1)] | None = None  # noqa: N815 - Bedrock's
    temperature: Annotated[float, msgspec.Meta(ge=0, le=1)] | None = None


class _Body(msgspec.Struct, gc=False, forbid_unknown_fields=True):
    """Common members; a request with others is checked on the slow path."""

    messages: Annotated[list[_Message], msgspec.Meta(min_length=1)]
    system: list[dict[str, msgspec.Raw]] | None = None
    inferenceConfig: _Config | None = None  # noqa: N815 - Bedrock's


class _Line(msgspec.Struct, gc=False, forbid_unknown_fields=True):
    recordId: Annotated[str, msgspec.Meta(min_length=1)]  # noqa: N815 - Bedrock's
    modelInput: _Body  # noqa: N815 - Bedrock's


_read_line = msgspec.json.Decoder(_Line).decode


def is_converse(body: dict[str, Any]) -> bool:
    """Whether a body is one of Converse, and not a model's own."""
    messages = body.get("messages")
    if not isinstance(messages, list) or body.keys() - _MEMBERS:
        return False
    return not any(
        isinstance(each, dict) and isinstance(each.get("content"), str)
        for each in messages
    )


def check_line(line: bytes) -> Checked:
    """Return the `recordId` and every problem of one request line."""
    try:
        if not line.isascii():
            line.decode()  # msgspec does not look into the strings that it skips
        request = _read_line(line)
    except (ValueError, RecursionError):
        return _diagnose(line)
    if request.modelInput.messages[0].role == "user":
        return request.recordId, None, []
    return _diagnose(line)


def _diagnose(line: bytes) -> Checked:
    try:
        request = load_request(line)
    except ValueError as exc:
        return None, None, [_problem(None, str(exc))]
    record_id, body = request.get("recordId"), request.get("modelInput")
    problems = []
    if not isinstance(record_id, str) or not record_id:
        # Bedrock would make one up, and no answer could be told from another.
        problems.append(_problem("recordId", "it has no `recordId` that is a text."))
        record_id = None
    problems += [
        _problem(key, f"a request has no `{key}`; remove it.")
        for key in sorted(request.keys() - {"recordId", "modelInput"})
    ]
    if not isinstance(body, dict) or not body:
        problems.append(_problem("modelInput", "it has no `modelInput` object."))
    elif is_converse(body):
        problems += _converse(body)
    return record_id, None, problems


def _converse(body: dict[str, Any]) -> list[LineError]:
    problems = [
        _problem(f"modelInput.{name}", f"a batch has no `{name}`.", WARNING)
        for name in _REFUSED
        if name in body
    ]
    messages = body["messages"]
    if not messages:
        problems.append(_problem("modelInput.messages", "its `messages` are empty."))
    for number, message in enumerate(messages):
        where = f"messages[{number}]"
        given = message if isinstance(message, dict) else {}
        role, content = given.get("role"), given.get("content")
        if role not in ("user", "assistant"):
            said = f"its `{where}.role` {role!r} is not taken."
            problems.append(_problem(f"modelInput.{where}.role", said))
        elif number == 0 and role != "user":
            said = "its first message must be the user's."
            problems.append(_problem(f"modelInput.{where}.role", said))
        if not isinstance(content, list) or not content:
            said = f"its `{where}` has no list of content blocks."
            problems.append(_problem(f"modelInput.{where}.content", said))
    config = body.get("inferenceConfig")
    if isinstance(config, dict):
        problems += _limits(config)
    return problems


def _limits(config: dict[str, Any]) -> list[LineError]:
    found = [
        (name, f"Bedrock knows no `{name}` in `inferenceConfig`.")
        for name in sorted(config.keys() - _LIMITS)
    ]
    tokens = config.get("maxTokens")
    if tokens is not None and (type(tokens) is not int or tokens < 1):
        found.append(("maxTokens", "its `maxTokens` must be a whole number from 1."))
    for name in ("temperature", "topP"):
        value = config.get(name)
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        if value is not None and not (is_number and 0 <= value <= 1):
            found.append((name, f"its `{name}` must be a number from 0 to 1."))
    return [_problem(f"modelInput.inferenceConfig.{n}", said) for n, said in found]


def _problem(param: str | None, message: str, code: str | None = None) -> LineError:
    head = "This line may be refused" if code == WARNING else "This line is wrong"
    return LineError(
        code=code or "ValidationException", param=param, message=f"{head}: {message}"
    )
