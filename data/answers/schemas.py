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
from ...models.plain import is_too_deep
from ...providers.schema.source import Source
from .kinds import resolved_root
from .user_code import said_by
from .values import Values

__all__ = ["check_class", "check_schema", "read_schema", "source_schema", "values_of"]


@lru_cache(maxsize=32)  # a run asks for each shard
def source_schema(model: type[BaseModel]) -> dict[str, Any]:
    """Return the JSON Schema that is converted for each provider.

    Raises:
        InputError: The model has a field that JSON Schema cannot describe.
    """
    with _schema_errors(model):
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


def check_class(model: type[BaseModel]) -> None:
    """Refuse a class with fields that an answer cannot fill.

    Raises:
        InputError: It names the field.
    """
    asked = resolved_root(source_schema(model)).get("properties", ())
    values_of(model).refuse_unfilled(asked)


@contextmanager
def _schema_errors(model: type[BaseModel]) -> Iterator[None]:
    try:
        yield
    except PydanticUserError as exc:
        raise InputError(
            f"The response model {model.__name__!r} has no JSON Schema:"
            f" {exc.message.rstrip('.')}."
        ) from exc
    except BaseException as exc:  # the class may have code for its schema
        raise InputError(
            f"The JSON Schema of the response model {model.__name__!r} cannot be sent:"
            f" {said_by(exc).rstrip('.')}."
        ) from exc


def read_schema(path: Path) -> dict[str, Any]:
    """Read a JSON Schema file.

    Raises:
        InputError: Not there, not JSON, or no JSON Schema that answers can be held to.
    """
    try:
        schema = orjson.loads(path.read_bytes())
    except OSError as exc:
        raise InputError(f"{path} cannot be read: {exc.strerror}.") from exc
    except orjson.JSONDecodeError as exc:
        raise InputError(f"{path} is not JSON: {exc}.") from exc
    check_schema(schema, str(path))
    return schema  # type: ignore[no-any-return]


def check_schema(schema: Any, name: str) -> None:
    """Refuse a JSON Schema that answers cannot be held to.

    Raises:
        InputError: It says what is wrong, and where.
    """
    if is_too_deep(schema):
        raise InputError(f"{name} is nested too deeply: use `$ref` and `$defs`.")
    try:
        jsonschema.Draft202012Validator.check_schema(schema)
    except jsonschema.SchemaError as exc:
        where = "".join(f"/{step}" for step in exc.absolute_path)
        raise InputError(
            f"{name} is not a JSON Schema: {exc.message} (at `#{where}`)."
        ) from exc
    if not isinstance(schema, dict):
        raise InputError(f"{name} is not a JSON Schema: it must be an object.")
    source = Source(schema)
    for path, node in _subschemas(schema, "#"):
        where = f"{name} at `{path}`"
        for keyword, way_out in _REFUSED.items():
            if keyword in node and not (keyword == "$id" and path == "#"):
                raise InputError(f"{where} has `{keyword}`: {way_out}.")
        if node.keys() >= {"anyOf", "oneOf"}:
            raise InputError(f"{where} has `anyOf` and `oneOf`: merge them by hand.")
        if "$ref" in node:
            source.resolve(node["$ref"], where)


_REFUSED = {
    "nullable": 'this is no keyword of JSON Schema; add `"null"` to the types',
    "$dynamicRef": "name the definition by `$ref`",
    "$recursiveRef": "name the definition by `$ref`",
    "$id": "only the whole schema may have an address of its own",
}
_ONE = frozenset({"additionalProperties", "contains", "else", "if", "items", "not"})
_ONE |= {"propertyNames", "then", "unevaluatedItems", "unevaluatedProperties"}
_LISTS = ("allOf", "anyOf", "oneOf", "prefixItems")
_MAPS = ("$defs", "definitions", "dependentSchemas", "patternProperties", "properties")


def _subschemas(node: Any, path: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield a schema and all schemas in it, each with its place."""
    if not isinstance(node, dict):
        return
    yield path, node
    for key in sorted(_ONE & node.keys()):
        yield from _subschemas(node[key], f"{path}/{key}")
    for key in _LISTS:
        for number, each in enumerate(node.get(key, ())):
            yield from _subschemas(each, f"{path}/{key}/{number}")
    for key in _MAPS:
        for name, each in node.get(key, {}).items():
            yield from _subschemas(each, f"{path}/{key}/{name}")
