"""Request and result lines as bytes: encoding around constant parts, and parsing."""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec
import orjson

from ..errors import InputError
from ..models import BatchResult, LineError, Outcome, Usage
from ..models.plain import to_plain_json
from .base import WARNING

__all__ = [
    "BOM",
    "MAX_TOKENS",
    "SAMPLE",
    "UNSENDABLE",
    "errored",
    "frame",
    "is_closed",
    "load_request",
    "load_result",
    "object_of",
    "outline",
    "refuse_problems",
    "slot",
    "unreadable",
    "unsendable",
    "usage_of",
    "with_params",
]

BOM = b"\xef\xbb\xbf"

MAX_TOKENS = 10**12
"""No answer takes more tokens than this; a higher count cannot be right."""

SAMPLE = ({"role": "user", "content": "a"},)
"""Messages that nothing is wrong with."""

_TOKEN = re.compile(rb'"(?:[^"\\]++|\\.)*+"|[{}\[\],]', re.DOTALL)

UNSENDABLE = (AttributeError, InputError, KeyError, TypeError)
"""What encoding a row raises when its messages have the wrong shape."""


def object_of(line: bytes) -> dict[str, Any]:
    """Return the JSON object of a line; an empty one where it is anything else."""
    try:
        value = orjson.loads(line)
    except orjson.JSONDecodeError:
        return outline(line)
    return value if isinstance(value, dict) else {}


def slot() -> str:
    """Return a random placeholder for a value that each row has of its own."""
    return secrets.token_hex(16)


def frame(document: Mapping[str, Any], *slots: str) -> list[bytes]:
    """Encode `document` once and cut it at its placeholders, given in their order.

    Raises:
        InputError: It holds something that is not JSON or not UTF-8.
    """
    try:
        rest = to_plain_json(document)
    except ValueError as exc:
        raise InputError(f"The job cannot be written as JSON: {exc}.") from exc
    pieces = []
    for mark in slots:
        piece, _, rest = rest.partition(b'"%b"' % mark.encode())
        pieces.append(piece)
    return [*pieces, rest]


def unsendable(custom_id: str, cause: Exception) -> InputError:
    """Return the error for a row that cannot be encoded; it names the request."""
    said = f"a message has no {cause}" if isinstance(cause, KeyError) else str(cause)
    return InputError(f"Request {custom_id!a} cannot be sent: {said.rstrip('.')}.")


def with_params(ours: dict[str, Any], theirs: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the job makes and its `params` together; tools are added to ours.

    Raises:
        InputError: Tools that are no list, or another tool with the name of ours.
    """
    merged = _deep_merge(ours, theirs)
    if "tool_choice" in theirs:
        merged["tool_choice"] = theirs["tool_choice"]
    if "tools" in ours and "tools" in theirs:
        tools = theirs["tools"]
        if not isinstance(tools, list):
            raise InputError("`--param tools` must be a list of tools.")
        name = _tool_name(ours["tools"][0])
        if name in map(_tool_name, tools):
            raise InputError(
                f"`--param tools` has a tool {name!r}, which is what the response"
                " model's own tool is called: rename one of them."
            )
        merged["tools"] = [*ours["tools"], *tools]
    return merged


def _tool_name(tool: Any) -> Any:
    inner = tool.get("function", tool) if isinstance(tool, dict) else None
    return inner.get("name") if isinstance(inner, dict) else None


def _deep_merge(ours: dict[str, Any], theirs: Mapping[str, Any]) -> dict[str, Any]:
    """Return both, `theirs` winning; objects that both hold are merged."""
    merged = dict(ours)
    for key, value in theirs.items():
        mine = merged.get(key)
        both = isinstance(mine, dict) and isinstance(value, Mapping)
        merged[key] = _deep_merge(mine or {}, value) if both else value
    return merged


def refuse_problems(problems: Iterable[LineError]) -> None:
    """Refuse parameters with which every request would be wrong.

    Raises:
        InputError: It says what is wrong with the first one.
    """
    for problem in problems:
        if problem.code != WARNING:
            said = problem.message.partition(": ")[2]
            raise InputError(f"No request of this job could be sent: {said}")


def load_request(line: bytes) -> dict[str, Any]:
    """Parse a request line strictly.

    Raises:
        ValueError: What is wrong, as the end of a sentence.
    """
    try:
        line.decode()
        request = msgspec.json.decode(line)
    except ValueError as exc:
        raise ValueError(f"not JSON: {exc}.") from exc
    except RecursionError:
        raise ValueError("JSON that is nested too deeply.") from None
    if not isinstance(request, dict):
        raise ValueError("not a JSON object.")  # noqa: TRY004 - one error for all
    return request


def load_result(
    line: bytes, member: str = "custom_id"
) -> tuple[dict[str, Any], str | None]:
    """Parse a result line with its `custom_id`, also one that is not strict JSON.

    Providers have sent NaN, raw control characters and lone surrogates; an answer that
    was paid for is not lost because of them.

    Args:
        line: The line.
        member: Where the vendor has the `custom_id`.

    Raises:
        ValueError: It is no JSON object at all; one sentence.
    """
    try:
        record = _load(line)
    except RecursionError:
        raise ValueError(
            "This result line is not JSON: it is nested too deeply."
        ) from None
    except ValueError as exc:
        raise ValueError(f"This result line is not JSON: {exc}.") from exc
    if type(record) is not dict:
        raise ValueError("This result line is not a JSON object.")
    custom_id = record.get(member)
    return record, custom_id if type(custom_id) is str else None


def outline(line: bytes) -> dict[str, Any]:
    """Return the members of an object that cannot be decoded, found in its bytes.

    Texts are given; what is nested is an empty object or list, however deep it is.
    """
    members: dict[str, Any] = {}
    key: str | None = None
    depth = 0
    for found in _TOKEN.finditer(line):
        token = found[0]
        if depth == 0 and token != b"{":
            break
        if token in b"}]":
            depth -= 1
        elif token in b"{[":
            if depth == 1 and key is not None:
                members[key] = {} if token == b"{" else []
            depth += 1
        elif depth == 1:
            if token == b",":
                key = None
            elif key is None:
                key = _text(token)
            else:
                members[key] = _text(token)
    return members


def is_closed(line: bytes) -> bool:
    """Whether each bracket of a line that is nested too deeply is closed."""
    depth = 0
    for found in _TOKEN.finditer(line):
        depth += (found[0] in b"{[") - (found[0] in b"}]")
    return depth == 0


def unreadable(line: bytes, error: str, member: str = "custom_id") -> BatchResult:
    """Return the result of a line that cannot be decoded.

    Where its bytes name the request, that was answered: what was paid for is not
    missing, and is not sent again.
    """
    custom_id = outline(line).get(member)
    if type(custom_id) is not str:
        return errored(None, error)
    return BatchResult(custom_id, Outcome.INVALID, error=error)


def errored(
    custom_id: str | None, error: str, *, retryable: bool = False
) -> BatchResult:
    """Return the result of a request that failed."""
    return BatchResult(custom_id, Outcome.ERRORED, error=error, retryable=retryable)


def usage_of(
    read: Any, written: Any, cached: Any = None, stored: Any = None, hour: Any = None
) -> Usage | None:
    """Return the tokens of one answer; None where they are not known.

    What a request cost is never guessed: one count that is missing, negative or no
    whole number makes all of them unknown. Cached and stored tokens may be null, and
    are part of those that were read; of the stored ones, `hour` are kept for an hour.
    """
    cached = 0 if cached is None else cached
    stored = 0 if stored is None else stored
    hour = 0 if hour is None else hour
    for count in (read, written, cached, stored, hour):
        if type(count) is not int or not 0 <= count <= MAX_TOKENS:
            return None
    if cached + stored > read or hour > stored:
        return None
    return Usage(read, written, cached, stored, hour)


def _load(line: bytes) -> Any:
    try:
        return msgspec.json.decode(line)  # whole numbers of any size stay exact
    except ValueError:
        text = line.removeprefix(BOM).decode("utf-8", "replace")
        return _to_utf8(json.loads(text, strict=False))


def _text(token: bytes) -> str:
    try:
        return str(_load(token))
    except ValueError:
        return token.decode("utf-8", "replace")


def _to_utf8(value: Any) -> Any:
    """Replace lone surrogates, which no UTF-8 file can hold, by U+FFFD."""
    if isinstance(value, str):
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, list):
        return [_to_utf8(item) for item in value]
    if isinstance(value, dict):
        return {_to_utf8(key): _to_utf8(item) for key, item in value.items()}
    return value
