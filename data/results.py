"""Result lines of either provider, decoded and validated one by one."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
from pydantic import BaseModel

from ..errors import InputError
from ..models import BatchResult, Outcome
from ..providers import get_format
from ._jsonl_rows import read_lines
from .response_model import Answer, load_answer

__all__ = ["ParsedResult", "iter_results", "provider_of"]

# The two shapes as the providers write them; any other spelling is parsed.
_OPENAI = re.compile(rb'\{"id":"[^"]*","custom_id":"[^"]*","(?:response|error)":')
_ANTHROPIC = re.compile(rb'\{"custom_id":"[^"]*","result":\{')


@dataclass(slots=True)
class ParsedResult:
    """One result line and what it gave."""

    line: bytes
    result: BatchResult | None
    """None where the line is no result of either provider."""
    value: Any = None
    """The model instance, the JSON value or the text."""
    error: str | None = None
    """Why there is no value."""


def iter_results(
    source: Path | Iterable[bytes],
    response_model: str | dict[str, Any] | type[BaseModel] | Answer | None,
) -> Iterator[ParsedResult]:
    """Yield every result line in file order, in bounded memory.

    Raises:
        InputError: No such file, or a response model that cannot be loaded.
    """
    answer = (
        response_model
        if isinstance(response_model, Answer)
        else load_answer(response_model)
    )
    formats = {name: get_format(name) for name in ("openai", "anthropic")}
    for raw in _lines(source):
        line = raw.strip()
        if not line:
            continue
        name = provider_of(line)
        if name is None:
            said = "not a result line of OpenAI or Anthropic"
            yield ParsedResult(line, None, error=said)
            continue
        result = formats[name].decode(line)
        if result.outcome is not Outcome.SUCCEEDED:
            yield ParsedResult(line, result, error=result.error or str(result.outcome))
            continue
        value, error = answer.parse(result, formats[name])
        yield ParsedResult(line, result, value, error)


def provider_of(line: bytes) -> str | None:
    """Return whose result line this is, by its shape; None for neither."""
    if _OPENAI.match(line):
        return "openai"
    if _ANTHROPIC.match(line):
        return "anthropic"
    try:
        fields = orjson.loads(line)
    except orjson.JSONDecodeError:
        return None
    if not isinstance(fields, dict) or "custom_id" not in fields:
        return None
    if isinstance(fields.get("result"), dict):
        return "anthropic"
    return "openai" if "response" in fields or "error" in fields else None


def _lines(source: Path | Iterable[bytes]) -> Iterator[bytes]:
    if not isinstance(source, Path):
        yield from source
        return
    try:
        with source.open("rb", buffering=1 << 20) as file:
            yield from read_lines(file)
    except OSError as exc:
        raise InputError(f"{source} cannot be read: {exc.strerror}.") from exc
