"""Loads a response model: an import string, a class or a JSON Schema."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import BaseModel

from ..files import absolute, size_and_digest
from .import_model import changed_model, class_of, import_model, model_file
from .response_model import AnswerReader
from .schemas import (
    check_class,
    check_schema,
    read_schema,
    source_schema,
    values_of,
)

__all__ = [
    "ResolvedModel",
    "load_answer",
    "resolve_response_model",
    "unkept_validators",
]


class ResolvedModel(NamedTuple):
    """A response model as a job keeps it."""

    schema: dict[str, Any] | None
    """The source JSON Schema that is converted for the provider; None: plain text."""
    stored: str | dict[str, Any] | None
    """An import string with an absolute path, or the JSON Schema of a file."""
    name: str
    """What the schema or the tool is called in requests."""
    digest: str | None
    """SHA-256 of the file of a class; None where no code is imported."""


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
        return ResolvedModel(None, None, "answer", None)
    stored: str | dict[str, Any] | None = None
    digest = None
    if isinstance(response_model, type):
        title = response_model.__name__  # of a class as it is, nothing is stored
    elif isinstance(response_model, dict):
        title = str(response_model.get("title") or "answer")
        stored = response_model
    else:
        text = str(response_model)
        source, _, title = text.rpartition(":")
        stored = f"{absolute(source)}:{title}" if source.endswith(".py") else text
        if file := model_file(stored):
            digest = size_and_digest(str(file))[1]
    name = re.sub(r"[^A-Za-z0-9_-]", "_", title)[:64]
    return ResolvedModel(answer.schema, stored, name, digest)


def load_answer(
    response_model: str | dict[str, Any] | type[BaseModel] | None,
    schema: dict[str, Any] | None = None,
    *,
    digest: str | None = None,
    embedding: bool = False,
) -> AnswerReader:
    """Return what answers are validated against.

    Args:
        response_model: None asks for plain text. A JSON Schema stands for the class
            that this process made it of.
        schema: The schema that was sent; a class with another one is refused.
        digest: SHA-256 of the file of the class; another file is not imported.
        embedding: The answer is a vector.

    Raises:
        InputError: It cannot be loaded, or its schema has changed.
    """
    if isinstance(response_model, dict):
        response_model = class_of(response_model) or response_model
    if response_model is None or isinstance(response_model, dict):
        if response_model is not None and schema is None:
            check_schema(response_model, "The response model")
        return AnswerReader(response_model or schema, embedding=embedding)
    if isinstance(response_model, type):
        model = response_model
    elif response_model.endswith(".json"):
        return AnswerReader(read_schema(Path(response_model)))
    else:
        model = import_model(response_model, digest)
    source = source_schema(model)
    if schema is None:
        check_class(model)
    elif source != schema:
        raise changed_model(str(response_model))
    return AnswerReader(source, model)


def unkept_validators(response_model: str | dict[str, Any] | None) -> str | None:
    """Return the name of the class whose validators its JSON Schema does not hold.

    None where there are none, or where the class can be imported.
    """
    if not isinstance(response_model, dict):
        return None
    model = class_of(response_model)
    if model is None or not values_of(model).has_validators:
        return None
    return model.__name__
