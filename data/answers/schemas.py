"""JSON Schemas of answers: of a Pydantic class, or from a file."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

import jsonschema
import orjson
from pydantic import BaseModel
from pydantic.errors import PydanticUserError

from ...errors import InputError
from ...models.plain import is_too_deep

__all__ = ["dumped_schema", "read_schema", "source_schema"]


def source_schema(model: type[BaseModel]) -> dict[str, Any]:
    """Return the JSON Schema that is converted for each provider.

    Raises:
        InputError: The model has a field that JSON Schema cannot describe.
    """
    return _schema(model, "validation")


def dumped_schema(model: type[BaseModel]) -> dict[str, Any]:
    """Return the JSON Schema of what the model dumps."""
    return _schema(model, "serialization")


@lru_cache(maxsize=32)  # a run asks for each shard
def _schema(
    model: type[BaseModel], mode: Literal["validation", "serialization"]
) -> dict[str, Any]:
    try:
        schema = model.model_json_schema(by_alias=mode == "validation", mode=mode)
        orjson.dumps(schema)
    except PydanticUserError as exc:
        raise InputError(
            f"The response model {model.__name__!r} has no JSON Schema: {exc.message}."
        ) from exc
    except TypeError as exc:
        raise InputError(
            f"The JSON Schema of the response model {model.__name__!r} cannot be sent:"
            f" {exc}."
        ) from exc
    return schema


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
