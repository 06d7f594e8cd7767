"""Validates answers against a Pydantic class or a JSON Schema, into columns."""

from __future__ import annotations

import reprlib
from collections.abc import Callable, Iterable, Sequence
from functools import cached_property, partial
from math import isfinite
from typing import Any

import jsonschema
import msgspec
import orjson
from pydantic import BaseModel, TypeAdapter, ValidationError

from ...models import BatchResult, Outcome
from ...models.plain import MAX_DEPTH, is_too_deep
from ...providers import Format
from ..columns import fits, kinds, resolved_root, to_json, to_texts
from .checker import checker
from .dict_validator import dict_validator
from .schemas import dumped_schema

__all__ = ["Answer", "Errors", "Fields"]

Fields = dict[str, Any] | None
"""An answer's values by column, in order; None where there is no valid answer."""
Errors = dict[int, str]
"""Why a result has no valid answer, by its index."""

_SUCCEEDED = Outcome.SUCCEEDED
_SHOWN_ERRORS = 3
_TOO_DEEP = "not JSON: it is nested too deeply"


class Answer:
    """Validates answers, and turns them into the values of the output's columns."""

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
        self._direct = model is not None and _is_closed(schema)
        self._names = [*self.columns]
        self._from_json: Callable[[str | bytes], Any] | None = None
        self._to_dict: Callable[[str], Any] | None = None
        self._dump: Callable[[list[Any]], list[Any]] = list
        if model is not None:
            adapter = TypeAdapter(model)
            self._from_json = adapter.validator.validate_json
            every = TypeAdapter(list[model])  # type: ignore[valid-type]
            self._dump = partial(every.serializer.to_python, mode="json")
            self._names = _field_names(model, self.columns)
            if self._names == [*model.model_fields]:
                self._to_dict = dict_validator(adapter.core_schema)
            # The table holds what the model dumps: of a Decimal, its digits.
            dumped = kinds(dumped_schema(model))
            self.columns = {
                column: dumped.get(name, "json")
                for column, name in zip(self.columns, self._names, strict=True)
            }
        self._same_names = self._names == [*self.columns]
        self._bounded = [
            (name, kind)
            for name, kind in self.columns.items()
            if kind in {"int64", "double", "date", "timestamp"}
        ]

    def validate(
        self, results: Sequence[BatchResult], fmt: Format
    ) -> tuple[list[Fields], Errors]:
        """Return the column values of each result, and the errors of the others.

        Values are those of JSON: a date is its text.
        """
        values, errors = self._read(results, fmt, self._to_dict or self._from_json)
        for index in sorted(errors, reverse=True):
            del values[index]
        rows: list[Fields] = [*self._rows(values)]
        for index in sorted(errors):
            rows.insert(index, None)
        for name, kind in self._bounded:
            if _all_fit(kind, [row[name] for row in rows if row is not None]):
                continue
            for index, row in enumerate(rows):
                if row is not None and not fits(kind, row[name]):
                    shown = reprlib.repr(row[name])
                    errors[index] = f"{name}: {shown} does not fit a {kind} column"
                    rows[index] = None
        return rows, errors

    def parse(
        self, results: Sequence[BatchResult], fmt: Format
    ) -> tuple[list[Any], Errors]:
        """Return the model instance, JSON value or text of each result, and the errors.

        Many results in one call take half the time of one call for each.
        """
        return self._read(results, fmt, self._from_json)

    def _read(
        self,
        results: Sequence[BatchResult],
        fmt: Format,
        from_json: Callable[[str], Any] | None,
    ) -> tuple[list[Any], Errors]:
        texts = [
            result.text if result.outcome is _SUCCEEDED else None for result in results
        ]
        if self.schema is None:
            rest: Iterable[int] = [n for n, text in enumerate(texts) if text is None]
            values: list[Any] = [*texts]
        elif from_json is None or not self._direct:
            values, rest = [None] * len(texts), range(len(texts))
        else:
            texts = [None if _may_be_deep(text or "") else text for text in texts]
            values, rest = _validated(from_json, texts)
        errors: Errors = {}
        for index in rest:
            values[index], error = self._parse(results[index], fmt)
            if error is not None:
                errors[index] = error
        return values, errors

    def _parse(self, result: BatchResult, fmt: Format) -> tuple[Any, str | None]:
        if result.outcome is not _SUCCEEDED:
            return None, result.error or str(result.outcome)
        value = result.data
        try:
            if self.schema is not None and result.text is not None:
                value = msgspec.json.decode(result.text)
            if self._plain != "embedding" and is_too_deep(value):
                raise RecursionError  # noqa: TRY301 - as from a decoder
            if self.schema is not None:
                value = self._check(fmt.restore(self.schema, value))
        except ValidationError as exc:
            return None, _short(exc)
        except jsonschema.ValidationError as exc:
            path = ".".join(map(str, exc.absolute_path))
            return None, f"{path}: {exc.message}" if path else exc.message
        except RecursionError:
            return None, _TOO_DEEP
        except (msgspec.DecodeError, OverflowError) as exc:
            kind = "not JSON" if isinstance(exc, msgspec.DecodeError) else "a number"
            return None, f"{kind}: {exc}"
        return value, None

    def _rows(self, values: Sequence[Any]) -> Iterable[dict[str, Any]]:
        """Return the column values of valid answers."""
        if self.schema is None:
            if self._plain == "answer":
                values = to_texts("string", values)
            return [{self._plain: value} for value in values]
        if self._to_dict is not None:
            return [
                value if type(value) is dict else self._dump([value])[0]
                for value in values
            ]
        values = self._dump([*values])
        if self._whole:
            return [{"answer": value} for value in values]
        names = tuple(self._names)
        if self._same_names and [*map(tuple, values)].count(names) == len(values):
            return values
        return [
            dict(zip(self.columns, map(value.get, names), strict=True))
            for value in values
        ]

    @cached_property
    def _checked(self) -> Callable[[Any], None]:
        return checker(self.schema or {})

    def _check(self, value: Any) -> Any:
        if self._from_json is not None:
            # As JSON, because strict models take dates and enums from JSON alone.
            return self._from_json(to_json(value))
        self._checked(value)
        return value


def _may_be_deep(text: str) -> bool:
    """Whether an answer has so many brackets that its depth has to be looked at."""
    return text.count("[") + text.count("{") > MAX_DEPTH


def _validated(
    from_json: Callable[[str], Any], texts: Sequence[str | None]
) -> tuple[list[Any], list[int]]:
    """Return the instances, and the indexes of the texts that did not validate."""
    values: list[Any] = []
    failed: list[int] = []
    instances = map(from_json, [text or "" for text in texts])
    while len(values) < len(texts):
        try:
            values.extend(instances)
        except ValidationError:
            failed.append(len(values))
            values.append(None)
    return values, failed


def _all_fit(kind: str, values: list[Any]) -> bool:
    """Whether all values fit the column; of integers, the extremes decide."""
    types = {*map(type, values)}
    if types == {int}:
        values = [min(values), max(values)]
    elif types == {float}:
        return all(map(isfinite, values))
    return all(fits(kind, value) for value in values)


def _is_closed(schema: dict[str, Any] | None) -> bool:
    """Whether `Format.restore` changes no answer that already validates."""
    text = orjson.dumps(schema)
    return not any(
        b'"additionalProperties":' + open_ in text for open_ in (b"{", b"true")
    )


def _field_names(model: type[BaseModel], columns: Iterable[str]) -> list[str]:
    """Return the model's own name of each field of its schema."""
    by_alias = {
        field.validation_alias: name
        for name, field in model.model_fields.items()
        if isinstance(field.validation_alias, str)
    }
    return [by_alias.get(column, column) for column in columns]


def _short(exc: ValidationError) -> str:
    errors = exc.errors(include_url=False, include_input=False, include_context=False)
    lines = []
    for error in errors[:_SHOWN_ERRORS]:
        path = ".".join(map(str, error["loc"]))
        lines.append(f"{path}: {error['msg']}" if path else error["msg"])
    more = len(errors) - _SHOWN_ERRORS
    return "; ".join(lines) + (f" (and {more} more)" if more > 0 else "")
