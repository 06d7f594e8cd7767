"""Validates answers against a Pydantic class or a JSON Schema, into columns."""

from __future__ import annotations

import reprlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cached_property
from math import isfinite
from typing import Any

import jsonschema
import msgspec
import orjson
from pydantic import BaseModel, TypeAdapter, ValidationError

from ...models import BatchResult, Outcome
from ...models.plain import MAX_DEPTH, is_too_deep
from ...providers import Format
from ..columns import fits, to_json, to_texts
from .checker import checker
from .dict_validator import dict_validator
from .kinds import has_numbers, kinds, resolved_root
from .schemas import values_of
from .user_code import outcome_of, said_by
from .values import Values

__all__ = ["AnswerReader", "Errors", "Fields"]

Fields = dict[str, Any] | None
"""An answer's values by column, in order; None where there is no valid answer."""
Errors = dict[int, str]
"""Why a result has no valid answer, by its index."""

Document = str | bytes
"""JSON, or text."""

_SUCCEEDED = Outcome.SUCCEEDED
_LONG = 1 << 20
_RESHAPED = [b'"additionalProperties":{', b'"additionalProperties":true']
_RESHAPED += [b'"patternProperties"', b'"prefixItems"']
_TOO_DEEP = "not JSON: it is nested too deeply"


class AnswerReader:
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
        self._from_json: Callable[[Document], Any] | None = None
        self._to_dict: Callable[[Document], Any] | None = None
        self._values: Values | None = None
        if model is not None:
            self._from_json = TypeAdapter(model).validator.validate_json
            self._values = values = values_of(model)
            if not self._whole:
                self.columns = dict.fromkeys([*self.columns, *values.computed], "json")
                names = values.computed | values.names
                self._names = [names.get(column, column) for column in self.columns]
            if [*self.columns] == [*values.names]:
                self._to_dict = dict_validator(values.schema)
            # The table holds validated values: of a Decimal, its digits.
            validated = kinds(values.json_schema)
            self.columns = {
                column: validated.get(name, "json")
                for column, name in zip(self.columns, self._names, strict=True)
            }
            schema = values.json_schema
        self._same_names = self._names == [*self.columns]
        self._bounded = [
            (column, kind)
            for (column, kind), name in zip(
                self.columns.items(), self._names, strict=True
            )
            if kind not in {"json", "string", "vector"}
            or (kind == "json" and has_numbers(schema or {}, name))
        ]

    def validate(
        self, results: Sequence[BatchResult], fmt: Format
    ) -> tuple[list[Fields], Errors]:
        """Return the column values of each result, and the errors of the others.

        Values are those of JSON: a date is its text.
        """
        values, errors = self._read(results, fmt, self._to_dict or self._from_json)
        if self._values is not None:
            self._dump(self._values, values, errors)
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
                    errors[index] = f"{name}: {shown} does not fit the type {kind}"
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
        from_json: Callable[[Document], Any] | None,
    ) -> tuple[list[Any], Errors]:
        texts: list[Document | None] = [
            result.text if result.outcome is _SUCCEEDED else None for result in results
        ]
        long = [] if self.schema is None else [*_long_of(texts)]
        documents = {index: (results[index].text or "").encode() for index in long}
        for index, document in documents.items():
            texts[index] = document
            results[index].text = None
        errors: Errors = {}
        if self.schema is None:
            rest: Iterable[int] = [n for n, text in enumerate(texts) if text is None]
            values: list[Any] = [*texts]
        elif from_json is None or not self._direct:
            values, rest = [None] * len(texts), range(len(texts))
        else:
            direct = [None if _may_be_deep(text or "") else text for text in texts]
            values, rest = _validated(from_json, direct)
        for index in rest:
            values[index], error = self._parse(results[index], texts[index], fmt)
            if error is not None:
                errors[index] = error
        for index, document in documents.items():
            if index in errors:
                results[index].text = document.decode()
        return values, errors

    def _parse(
        self, result: BatchResult, text: Document | None, fmt: Format
    ) -> tuple[Any, str | None]:
        if result.outcome is not _SUCCEEDED:
            return None, result.error or str(result.outcome)
        value, error = self._decoded(result, text)
        if error is not None or self.schema is None:
            return value, error
        try:
            restored = fmt.restore(self.schema, value)
        except RecursionError:
            return None, _TOO_DEEP
        if self._from_json is not None:
            # As JSON, because strict models take dates and enums from JSON alone.
            if text is None or restored != value:
                text = to_json(restored)
            del value, restored  # a long one would be there three times
            return outcome_of(self._from_json, text)
        value = restored
        found, error = outcome_of(self._first_error, value)
        if found is not None:
            path = ".".join(map(str, found.absolute_path))
            error = f"{path}: {found.message}" if path else found.message
        return (value, None) if error is None else (None, error)

    def _decoded(
        self, result: BatchResult, text: Document | None
    ) -> tuple[Any, str | None]:
        value = result.data
        try:
            if self.schema is not None and text is not None:
                value = msgspec.json.decode(text)
            if self._plain != "embedding" and is_too_deep(value):
                return None, _TOO_DEEP
        except RecursionError:
            return None, _TOO_DEEP
        except msgspec.DecodeError as exc:
            is_json = isinstance(exc, msgspec.ValidationError)
            return None, f"{'a number' if is_json else 'not JSON'}: {exc}"
        return value, None

    def _dump(self, all_values: Values, values: list[Any], errors: Errors) -> None:
        """Replace instances by their JSON values, in place."""
        if self._to_dict is None:
            try:
                values[:] = all_values.many(values)
            except BaseException as exc:  # noqa: BLE001 - raised again below, for one
                said_by(exc)
            else:
                return
        for index, value in enumerate(values):
            if index in errors or type(value) is dict:
                continue
            values[index], error = outcome_of(all_values.one, value)
            if error is not None:
                errors[index] = error

    def _rows(self, values: Sequence[Any]) -> Iterable[dict[str, Any]]:
        """Return the column values of valid answers."""
        if self.schema is None:
            if self._plain == "answer":
                values = to_texts("string", values)
            return [{self._plain: value} for value in values]
        if self._whole:
            return [{"answer": value} for value in values]
        if self._to_dict is not None:
            return values
        names = tuple(self._names)
        if self._same_names and [*map(tuple, values)].count(names) == len(values):
            return values
        return [
            dict(zip(self.columns, map(value.get, names), strict=True))
            for value in values
        ]

    @cached_property
    def _first_error(self) -> Callable[[Any], jsonschema.ValidationError | None]:
        return checker(self.schema or {})


def _long_of(texts: Sequence[Document | None]) -> Iterator[int]:
    """Yield the indexes of long texts that are not ASCII.

    As bytes they take half the memory: a `str` keeps its UTF-8 once somebody reads it.
    """
    for index, text in enumerate(texts):
        if text is not None and len(text) > _LONG and not text.isascii():
            yield index


def _may_be_deep(text: Document) -> bool:
    """Whether an answer has so many brackets that its depth has to be looked at."""
    if isinstance(text, bytes):
        return text.count(b"[") + text.count(b"{") > MAX_DEPTH
    return text.count("[") + text.count("{") > MAX_DEPTH


def _validated(
    from_json: Callable[[Document], Any], texts: Sequence[Document | None]
) -> tuple[list[Any], list[int]]:
    """Return the instances, and the indexes of the texts that did not validate."""
    values: list[Any] = []
    failed: list[int] = []
    instances = map(from_json, [text or "" for text in texts])
    while len(values) < len(texts):
        try:
            values.extend(instances)
        except ValidationError:
            pass
        except BaseException as exc:  # noqa: BLE001 - a validator may raise anything
            said_by(exc)
        if len(values) < len(texts):  # also after a StopIteration, which ends `extend`
            failed.append(len(values))
            values.append(None)
    return values, failed


def _all_fit(kind: str, values: list[Any]) -> bool:
    """Whether all values fit the column; of integers, the extremes decide."""
    types = {*map(type, values)}
    if types == {int} and kind != "bool":
        values = [min(values), max(values)]
    elif types == {float} and kind == "double":
        return all(map(isfinite, values))
    elif types == {bool} and kind == "bool":
        return True
    return all(fits(kind, value) for value in values)


def _is_closed(schema: dict[str, Any] | None) -> bool:
    """Whether `Format.restore` changes no answer that already validates."""
    text = orjson.dumps(schema)
    return not any(part in text for part in _RESHAPED)
