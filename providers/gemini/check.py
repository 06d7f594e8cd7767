"""Checks request lines as Gemini reads a batch's file.

The file is read after the batch was created, and a line that is wrong is an error of
its own there. What is wrong with each line is found here before.

The sandbox's `gemini/requests.py` is an independent judge of this check: they share
neither code nor tables.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, Literal

import msgspec

from ...models import LineError
from ..base import WARNING
from ..lines import load_request
from .members import CONFIG, EMBEDDING, RANGES, REQUEST, camel

__all__ = ["check_line", "is_embedding"]

_NOTHING = msgspec.Raw(b"")
_Name = Annotated[str, msgspec.Meta(min_length=1)]


class _Content(msgspec.Struct, gc=False, forbid_unknown_fields=True):
    parts: Annotated[list[msgspec.Raw], msgspec.Meta(min_length=1)]
    role: Literal["user", "model"] | None = None


class _Instruction(msgspec.Struct, gc=False):
    parts: list[msgspec.Raw]


class _Config(msgspec.Struct, gc=False, rename="camel", forbid_unknown_fields=True):
    """Common members; a request with others is checked on the slow path."""

    max_output_tokens: Annotated[int, msgspec.Meta(ge=1)] | None = None
    temperature: Annotated[float, msgspec.Meta(ge=0, le=2)] | None = None
    top_p: Annotated[float, msgspec.Meta(ge=0, le=1)] | None = None
    response_mime_type: str | None = None
    response_json_schema: msgspec.Raw = _NOTHING
    thinking_config: msgspec.Raw = _NOTHING


class _Request(msgspec.Struct, gc=False, rename="camel", forbid_unknown_fields=True):
    model: _Name
    contents: Annotated[list[_Content], msgspec.Meta(min_length=1)]
    system_instruction: _Instruction | None = None
    generation_config: _Config | None = None
    safety_settings: msgspec.Raw = _NOTHING


class _Line(msgspec.Struct, gc=False, forbid_unknown_fields=True):
    key: _Name
    request: _Request


class _Embedded(msgspec.Struct, gc=False):
    content: msgspec.Raw


class _Kind(msgspec.Struct, gc=False):
    request: _Embedded


_read_line = msgspec.json.Decoder(_Line).decode
_read_kind = msgspec.json.Decoder(_Kind).decode

Checked = tuple[str | None, str | None, list[LineError]]


def is_embedding(line: bytes) -> bool:
    """Whether a request asks for an embedding, by the member that it has."""
    try:
        _read_kind(line)
    except (ValueError, RecursionError):
        return False
    return True


def check_line(line: bytes) -> Checked:
    """Return custom_id, model and every problem of one request line."""
    try:
        if not line.isascii():
            line.decode()  # msgspec does not look into the strings that it skips
        found = _read_line(line)
    except (ValueError, RecursionError):
        return _diagnose(line)
    return found.key, found.request.model.removeprefix("models/"), []


def _diagnose(line: bytes) -> Checked:
    try:
        found = load_request(line)
    except ValueError as exc:
        return None, None, [_problem(None, str(exc))]
    key, request = found.get("key"), found.get("request")
    problems = []
    if not isinstance(key, str) or not key:
        problems.append(_problem("key", "it has no `key`, which must be a text."))
    problems += [
        _problem(name, f"a request has no `{name}`; remove it.")
        for name in sorted(found.keys() - {"key", "request", "metadata"})
    ]
    key = key if isinstance(key, str) else None
    if not isinstance(request, dict):
        problems.append(_problem("request", "it has no `request` object."))
        return key, None, problems
    problems += _request({camel(name): value for name, value in request.items()})
    model = request.get("model")
    model = model.removeprefix("models/") if isinstance(model, str) else None
    return key, model, problems


def _request(request: dict[str, Any]) -> Iterator[LineError]:
    if not isinstance(model := request.get("model"), str) or not model:
        text = "its `request` has no `model`, which says whose batch it is part of."
        yield _problem("request.model", text)
    if "content" in request:
        yield from _unknown(request, EMBEDDING, "request")
        yield from _content(request["content"], "request.content")
        return
    yield from _unknown(request, REQUEST, "request")
    contents = request.get("contents")
    if not isinstance(contents, list) or not contents:
        text = "its `contents` must be a list that is not empty."
        yield _problem("request.contents", text)
    for number, content in enumerate(contents if isinstance(contents, list) else ()):
        yield from _content(content, f"request.contents[{number}]")
    if "systemInstruction" in request:
        where = "request.systemInstruction"
        yield from _content(request["systemInstruction"], where)
    yield from _config(request.get("generationConfig"))


def _content(content: Any, where: str) -> Iterator[LineError]:
    given = content if isinstance(content, dict) else {}
    if given.get("role") not in ("user", "model", "system", None):
        text = f"its `{where}.role` {given['role']!r} is not user or model."
        yield _problem(f"{where}.role", text)
    parts = given.get("parts")
    if not parts or not isinstance(parts, list | dict):
        yield _problem(f"{where}.parts", f"its `{where}` has no `parts`.")


def _config(config: Any) -> Iterator[LineError]:
    where = "request.generationConfig"
    if not isinstance(config, dict | None):
        yield _problem(where, "its `generationConfig` must be an object.")
        return
    given = {camel(name): value for name, value in (config or {}).items()}
    yield from _unknown(given, CONFIG, where)
    for name, (low, high) in RANGES.items():
        value = given.get(name)
        if value is None:
            continue
        if not isinstance(value, int | float) or isinstance(value, bool):
            yield _problem(f"{where}.{name}", f"its `{name}` must be a number.")
        elif not low <= value <= high:
            text = f"its `{name}` {value} must be from {low} to {high}."
            yield _problem(f"{where}.{name}", text.replace(" to inf", ""))


def _unknown(
    given: dict[str, Any], known: frozenset[str], where: str
) -> Iterator[LineError]:
    for name in sorted(given.keys() - known):
        text = f"Gemini knows no `{where}.{name}`."
        yield _problem(f"{where}.{name}", text, WARNING)


def _problem(param: str | None, message: str, code: str | None = None) -> LineError:
    head = "This line may be refused" if code == WARNING else "This line is wrong"
    return LineError(
        code=code or "INVALID_ARGUMENT", param=param, message=f"{head}: {message}"
    )
