"""JSON Schemas of answers: of a Pydantic class, or from a file."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any

import jsonschema
import orjson
from pydantic import BaseModel
from pydantic.errors import PydanticUserError

from ...errors import InputError
from ..depth import is_too_deep
from .user_code import said_by
from .values import Values, refuse_unreadable_fields

__all__ = ["read_schema", "source_schema", "values_of"]


@lru_cache(maxsize=32)  # a run asks for each shard
def source_schema(model: type[BaseModel]) -> dict[str, Any]:
    """Return the JSON Schema that is converted for each provider.

    Raises:
        InputError: The model has a field that JSON Schema cannot describe, or that an
            answer cannot fill.
    """
    with _schema_errors(model):
        refuse_unreadable_fields(model)
        schema = model.model_json_schema()
        orjson.dumps(schema)
        return schema


@lru_cache(maxsize=32)
def values_of(model: type[BaseModel]) -> Values:
    """Return what turns instances into JSON values.

    Raises:
        InputError: The model has a field that JSON Schema cannot describe.
    """
    with _schema_errors(model):
        return Values(model)


@contextmanager
def _schema_errors(model: type[BaseModel]) -> Iterator[None]:
    try:
        yield
    except InputError:
        raise
    except PydanticUserError as exc:
        raise InputError(
            f"The response model {model.__name__!r} has no JSON Schema: {exc.message}."
        ) from exc
    except BaseException as exc:  # the class may have code for its schema
        raise InputError(
            f"The JSON Schema of the response model {model.__name__!r} cannot be sent:"
            f" {said_by(exc).rstrip('.')}."
        ) from exc


def read_schema(path: Path) -> dict[str, Any]:
    """Read a JSON Schema file.

    Raises:
        InputError: Not there, not JSON, or not a JSON Schema.
    """
    try:
        schema = orjson.loads(path.read_bytes())
        jsonschema.Draft202012Validator.check_schema(schema)
    except OSError as exc:
        raise InputError(f"{path} cannot be read: {exc.strerror}.") from exc
    except orjson.JSONDecodeError as exc:
        raise InputError(f"{path} is not JSON: {exc}.") from exc
    except jsonschema.SchemaError as exc:
        raise InputError(f"{path} is not a JSON Schema: {exc.message}.") from exc
    except RecursionError:
        raise InputError(f"{path} is nested too deeply.") from None
    if not isinstance(schema, dict):
        raise InputError(f"{path} is not a JSON Schema: it must be an object.")
    if is_too_deep(schema):
        raise InputError(f"{path} is nested too deeply: use `$ref` and `$defs`.")
    return schema
