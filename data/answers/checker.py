"""Holds answers to a JSON Schema that no class stands behind, in bounded time."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any

from jsonschema import Draft202012Validator, ValidationError
from jsonschema.exceptions import best_match
from jsonschema.validators import extend
from pydantic_core import SchemaError, SchemaValidator, core_schema

__all__ = ["checker"]

_MOST = 300_000
"""Keywords that are looked at for one answer, which takes a few seconds."""


class _EndlessError(Exception):
    """An answer would take too long to check."""


Keyword = Callable[[Any, Any, Any, Any], Iterator[ValidationError] | None]


def checker(schema: dict[str, Any]) -> Callable[[Any], ValidationError | None]:
    """Return a function from an answer to what is wrong with it.

    A few unions inside of each other can have more ways than can ever be tried; then
    the answer does not fit either.
    """
    left = 0

    def counted(keyword: Keyword) -> Keyword:
        def look(validator: Any, value: Any, answer: Any, schema: Any) -> Any:
            nonlocal left
            left -= 1
            if left < 0:
                raise _EndlessError("the schema has too many ways to check it")
            return keyword(validator, value, answer, schema)

        return look

    keywords = {**Draft202012Validator.VALIDATORS, **_SAFE}
    looks = {name: counted(each) for name, each in keywords.items()}
    kind = extend(Draft202012Validator, looks)  # type: ignore[no-untyped-call]
    validator = kind(schema)

    def check(answer: Any) -> ValidationError | None:
        nonlocal left
        left = _MOST
        try:
            found: ValidationError | None = best_match(validator.iter_errors(answer))
        except _EndlessError as exc:
            return ValidationError(str(exc))
        return found

    return check


def _pattern(
    validator: Any, pattern: str, answer: Any, _schema: Any
) -> Iterator[ValidationError]:
    if validator.is_type(answer, "string") and not _search(pattern)(answer):
        yield ValidationError(f"{answer!r} does not match {pattern!r}")


def _pattern_properties(
    validator: Any, patterns: dict[str, Any], answer: Any, _schema: Any
) -> Iterator[ValidationError]:
    if validator.is_type(answer, "object"):
        for pattern, schema in patterns.items():
            for name, value in answer.items():
                if _search(pattern)(name):
                    yield from validator.descend(
                        value, schema, path=name, schema_path=pattern
                    )


_SAFE: dict[str, Keyword] = {
    "pattern": _pattern,
    "patternProperties": _pattern_properties,
}


@lru_cache(maxsize=256)
def _search(pattern: str) -> Callable[[str], object]:
    """Return a test for a pattern, in linear time unless it looks around or back."""
    try:
        schema = core_schema.str_schema(pattern=pattern, regex_engine="rust-regex")
        return SchemaValidator(schema).isinstance_python
    except SchemaError:
        return re.compile(pattern).search
