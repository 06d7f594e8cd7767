"""What an answer must be: a Pydantic class or a JSON Schema, and its columns."""

from __future__ import annotations

from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any, Literal

import jsonschema
import orjson
from jsonschema.exceptions import best_match
from pydantic import BaseModel, TypeAdapter, ValidationError
from pydantic.errors import PydanticUserError

from ..errors import InputError
from ..models import BatchResult
from ..providers import Format
from ._import_model import import_model
from .columns import fits, kinds, resolved_root, to_json, to_text

__all__ = ["Answer", "load_answer", "read_schema", "source_schema"]

_SHOWN_ERRORS = 3


class Answer:
    """Turns an answer into fields, or into one line that says what is wrong."""

    def __init__(
        self,
        schema: dict[str, Any] | None,
        model: type[BaseModel] | None = None,
        *,
        embedding: bool = False,
    ) -> None:
        self.schema = schema
        self.model = model
        self.columns: dict[str, str] = (
            {"embedding": "vector"} if embedding else kinds(schema)
        )
        """Name and kind (see `columns`) of each field, in the schema's order."""
        self._plain = next(iter(self.columns))
        self._whole = "properties" not in resolved_root(schema or {})
        if model is not None:
            adapter = TypeAdapter(model)
            self._from_json = adapter.validator.validate_json
            self._to_python = adapter.serializer.to_python
            # What is written is what the model dumps: of a Decimal the digits.
            dumped = kinds(_schema(model, "serialization"))
            self.columns = {
                column: dumped.get(name, "json") for column, name in self._names.items()
            }

    def validate(
        self, result: BatchResult, fmt: Format
    ) -> tuple[dict[str, Any] | None, str | None]:
        """Return the fields of a succeeded result, or why it is invalid.

        Values are those of JSON: a date is its text.
        """
        if self.schema is None:
            value = result.data if result.text is None else result.text
            if self._plain == "answer" and not isinstance(value, str):
                value = to_text("string", value)
            return {self._plain: value}, None
        value, error = self.parse(result, fmt)
        if error is not None:
            return None, error
        if isinstance(value, BaseModel):
            fields = self._dump(value)
        elif self._whole:
            fields = {"answer": value}
        else:
            fields = {name: value.get(name) for name in self.columns}
        for name, kind in self._bounded:
            field = fields.get(name)
            if field is not None and not fits(kind, field):
                return None, f"{name}: {field!r} does not fit a {kind} column"
        return fields, None

    def parse(self, result: BatchResult, fmt: Format) -> tuple[Any, str | None]:
        """Return the model instance (or JSON value) and no error, or None and one."""
        if self.schema is None:
            return result.data if result.text is None else result.text, None
        try:
            if self.model is None:
                return self._check(self._restored(result, fmt)), None
            return self._instance(result, fmt), None
        except ValidationError as exc:
            return None, _short(exc)
        except jsonschema.ValidationError as exc:
            path = ".".join(map(str, exc.absolute_path))
            return None, f"{path}: {exc.message}" if path else exc.message
        except orjson.JSONDecodeError as exc:
            return None, f"not JSON: {exc}"

    @cached_property
    def _direct(self) -> bool:
        """Whether an answer that validates as it is needs no restoring."""
        schema = orjson.dumps(self.schema)
        return not any(
            b'"additionalProperties":' + open_ in schema for open_ in (b"{", b"true")
        )

    @cached_property
    def _validator(self) -> jsonschema.Draft202012Validator:
        return jsonschema.Draft202012Validator(self.schema or {})

    @cached_property
    def _names(self) -> dict[str, str]:
        """From the names in the schema to those of the model's fields."""
        fields = {} if self.model is None else self.model.model_fields
        by_alias = {
            field.validation_alias: name
            for name, field in fields.items()
            if isinstance(field.validation_alias, str)
        }
        return {name: by_alias.get(name, name) for name in self.columns}

    def _instance(self, result: BatchResult, fmt: Format) -> Any:
        if self._direct and result.text is not None:
            try:
                return self._from_json(result.text)
            except ValidationError:
                # Perhaps right only in the shape that the provider was given.
                restored = self._restored(result, fmt)
        else:
            restored = self._restored(result, fmt)
        # JSON mode, so that strict models, dates and enums take JSON's types.
        return self._from_json(to_json(restored))

    def _restored(self, result: BatchResult, fmt: Format) -> Any:
        value = result.data if result.text is None else orjson.loads(result.text)
        return fmt.restore(self.schema or {}, value)

    def _check(self, value: Any) -> Any:
        error = best_match(self._validator.iter_errors(value))
        if error is not None:
            raise error
        return value

    @cached_property
    def _same_names(self) -> bool:
        return all(column == name for column, name in self._names.items())

    @cached_property
    def _bounded(self) -> list[tuple[str, str]]:
        """Columns that do not hold all values of their JSON type."""
        kinds = {"int64", "date", "timestamp"}
        return [(name, kind) for name, kind in self.columns.items() if kind in kinds]

    def _dump(self, value: BaseModel) -> dict[str, Any]:
        dumped: dict[str, Any] = self._to_python(value, mode="json")
        if self._whole:
            return {"answer": dumped}
        if self._same_names:
            return dumped
        return {column: dumped.get(name) for column, name in self._names.items()}


def load_answer(
    response_model: str | dict[str, Any] | type[BaseModel] | None,
    schema: dict[str, Any] | None = None,
    *,
    embedding: bool = False,
) -> Answer:
    """Load a response model: an import string, a class or a JSON Schema.

    Args:
        response_model: None asks for plain text.
        schema: What was sent; a class that no longer has this schema is refused.
        embedding: The answer is a vector.

    Raises:
        InputError: It cannot be loaded, or it is not what was sent.
    """
    if response_model is None or isinstance(response_model, dict):
        return Answer(response_model or schema, embedding=embedding)
    if isinstance(response_model, type):
        model = response_model
    elif response_model.endswith(".json"):
        return Answer(read_schema(Path(response_model)))
    else:
        model = import_model(response_model)
    source = source_schema(model)
    if schema is not None and source != schema:
        raise InputError(
            f"The response model {response_model!r} has changed since the requests were"
            " made; restore it, or parse with another by `batchwright resume RUN_DIR"
            " --response-model ...`."
        )
    return Answer(source, model)


def source_schema(model: type[BaseModel]) -> dict[str, Any]:
    """Return the one JSON Schema that each provider's dialect is made from.

    Raises:
        InputError: The model has a field that JSON Schema cannot describe.
    """
    return _schema(model, "validation")


@lru_cache(maxsize=32)  # a run asks for each shard
def _schema(
    model: type[BaseModel], mode: Literal["validation", "serialization"]
) -> dict[str, Any]:
    try:
        return model.model_json_schema(by_alias=mode == "validation", mode=mode)
    except PydanticUserError as exc:
        raise InputError(
            f"The response model {model.__name__!r} has no JSON Schema: {exc.message}."
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
    if not isinstance(schema, dict):
        raise InputError(f"{path} is not a JSON Schema: it must be an object.")
    return schema


def _short(exc: ValidationError) -> str:
    errors = exc.errors(include_url=False, include_input=False, include_context=False)
    lines = []
    for error in errors[:_SHOWN_ERRORS]:
        path = ".".join(map(str, error["loc"]))
        lines.append(f"{path}: {error['msg']}" if path else error["msg"])
    more = len(errors) - _SHOWN_ERRORS
    return "; ".join(lines) + (f" (and {more} more)" if more > 0 else "")
