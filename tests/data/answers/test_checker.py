"""Answers that are held to a JSON Schema, in bounded time."""

from __future__ import annotations

from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from batchwright.data.answers.checker import checker


@pytest.mark.parametrize("pattern", ["^(a+)+$", "(a|a)*b$", r"(\w+\s?)+$"])
def test_a_pattern_takes_no_time_that_doubles(pattern: str) -> None:
    """Each of these takes years in a text of a hundred characters, if it goes back."""
    check = checker({"pattern": pattern, "propertyNames": {"pattern": pattern}})
    text = "a" * 100 + "!"
    assert check(text) is not None
    assert check({text: 1}) is not None


def test_a_schema_with_too_many_ways_is_given_up() -> None:
    """Forty unions of two inside of each other have more ways than can be tried."""
    defs: dict[str, Any] = {
        f"d{level}": {"allOf": [{"$ref": f"#/$defs/d{level + 1}"}] * 2}
        for level in range(40)
    }
    schema = {"$ref": "#/$defs/d0", "$defs": {**defs, "d40": {"type": "string"}}}
    error = checker(schema)("x")
    assert error is not None
    assert error.message == "the schema has too many ways to check it"


@given(
    st.sampled_from(["^a", "b$", "[ab]{2}", "(?=b)b", "^$"]), st.text("ab", max_size=4)
)
def test_patterns_mean_what_they_mean_elsewhere(pattern: str, text: str) -> None:
    """An answer is valid exactly if `jsonschema` alone says so."""
    schema = {
        "anyOf": [
            {"type": "string", "pattern": pattern},
            {"type": "object", "patternProperties": {pattern: {"type": "null"}}},
        ]
    }
    validator = jsonschema.Draft202012Validator(schema)
    for answer in (text, {text: 1}, {text: None}, [text]):
        assert (checker(schema)(answer) is None) is validator.is_valid(answer)
