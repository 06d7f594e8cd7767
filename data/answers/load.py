"""Loads a response model: an import string, a class or a JSON Schema."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import BaseModel

from ...errors import InputError
from ..files import absolute
from .import_model import import_model
from .response_model import AnswerReader
from .schemas import read_schema, source_schema

__all__ = ["ResolvedModel", "load_answer", "resolve_response_model"]


class ResolvedModel(NamedTuple):
    """A response model as a job keeps it."""

    schema: dict[str, Any] | None
    """The source JSON Schema that is converted for the provider; None: plain text."""
    stored: str | dict[str, Any] | None
    """An import string with an absolute path, or the JSON Schema of a file."""
    name: str
    """What the schema or the tool is called in requests."""


def resolve_response_model(
    response_model: str | dict[str, Any] | type[BaseModel] | None,
) -> ResolvedModel:
    """Read a response model once, so that no file is needed to send requests.

    Raises:
        InputError: It cannot be loaded.
    """
    if isinstance(response_model, str) and response_model.endswith(".json"):
        response_model = read_schema(Path(response_model))
    answer = load_answer(response_model)
    if answer.schema is None:
        return ResolvedModel(None, None, "answer")
    if isinstance(response_model, dict):
        title = str(response_model.get("title") or "answer")
        stored: str | dict[str, Any] = response_model
    else:
        text = str(response_model)
        source, _, title = text.rpartition(":")
        stored = f"{absolute(source)}:{title}" if source.endswith(".py") else text
    name = re.sub(r"[^A-Za-z0-9_-]", "_", title)[:64]
    return ResolvedModel(answer.schema, stored, name)


def load_answer(
    response_model: str | dict[str, Any] | type[BaseModel] | None,
    schema: dict[str, Any] | None = None,
    *,
    embedding: bool = False,
) -> AnswerReader:
    """Return what answers are validated against.

    Args:
        response_model: None asks for plain text.
        schema: The schema that was sent; a class with another one is refused.
        embedding: The answer is a vector.

    Raises:
        InputError: It cannot be loaded, or its schema has changed.
    """
    if response_model is None or isinstance(response_model, dict):
        return AnswerReader(response_model or schema, embedding=embedding)
    if isinstance(response_model, type):
        model = response_model
    elif response_model.endswith(".json"):
        return AnswerReader(read_schema(Path(response_model)))
    else:
        model = import_model(response_model)
    source = source_schema(model)
    if schema is not None and source != schema:
        raise InputError(
            f"The response model {response_model!r} has changed since the requests were"
            " made; restore it, or parse with another by `batchwright resume RUN_DIR"
            " --response-model ...`."
        )
    return AnswerReader(source, model)
