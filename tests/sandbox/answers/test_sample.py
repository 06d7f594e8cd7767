"""Values made up for a schema are valid for it."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from batchwright.sandbox.answers.answer import seeded
from batchwright.sandbox.answers.sample import match_of, sample

TREE = {
    "$defs": {
        "Node": {
            "type": "object",
            "properties": {
                "name": {"type": "string"},
                "children": {"type": "array", "items": {"$ref": "#/$defs/Node"}},
                "parent": {"anyOf": [{"$ref": "#/$defs/Node"}, {"type": "null"}]},
            },
            "required": ["name", "children", "parent"],
            "additionalProperties": False,
        }
    },
    "$ref": "#/$defs/Node",
}
SCHEMAS: list[dict[str, Any]] = [
    TREE,
    {"type": "integer", "minimum": 5, "maximum": 5},
    {"type": "integer", "exclusiveMinimum": 5, "exclusiveMaximum": 7},
    {"type": "integer", "multipleOf": 7, "minimum": 50},
    {"type": "integer", "maximum": -3},
    {"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 0.001},
    {"type": "number", "minimum": -1, "maximum": 1},
    {"type": "number", "multipleOf": 0.5, "minimum": 3},
    {"type": "string", "minLength": 40, "maxLength": 41},
    {"type": "string", "maxLength": 3},
    {"type": "string", "format": "date"},
    {"type": "string", "format": "uuid"},
    {"type": "string", "format": "email"},
    {"type": "string", "format": "ipv6"},
    {"type": "string", "pattern": "^[A-Z]{2}-\\d{3,5}$"},
    {"type": "array", "items": {"type": "integer"}, "minItems": 3, "maxItems": 3},
    {"type": "array", "items": {"enum": [1, 2, 3]}, "uniqueItems": True, "minItems": 3},
    {"type": "array", "prefixItems": [{"const": 1}, {"type": "null"}], "items": False},
    {"type": "object", "additionalProperties": {"type": "boolean"}},
    {"type": ["string", "null"]},
    {"anyOf": [{"const": "a"}, {"type": "integer"}]},
    {
        "allOf": [
            {"type": "object"},
            {"properties": {"a": {"const": 1}}, "required": ["a"]},
        ]
    },
    {"enum": ["x", None, 3]},
    {"const": {"deep": [1]}},
    {"type": "boolean"},
    {},
]


@pytest.mark.parametrize("schema", SCHEMAS)
@pytest.mark.parametrize("seed", range(8))
def test_a_sample_is_valid(schema: dict[str, Any], seed: int) -> None:
    """Whatever the seed, the value satisfies the schema."""
    value = sample(schema, seeded(seed))
    Draft202012Validator(
        schema, format_checker=Draft202012Validator.FORMAT_CHECKER
    ).validate(value)


def test_an_endless_schema_still_gives_a_value() -> None:
    """A schema that no finite value satisfies ends somewhere."""
    schema = {
        "$defs": {
            "A": {
                "type": "object",
                "properties": {"a": {"$ref": "#/$defs/A"}},
                "required": ["a"],
            }
        },
        "$ref": "#/$defs/A",
    }
    assert isinstance(sample(schema, seeded(1)), dict)


PATTERNS = [
    r"^\d{4}-\d{2}$",
    r"^(abc|def)+x?$",
    r"^[^a-z]{3}\w\s.$",
    r"(['\"]).*\1",
    r"^(?:foo|ba[rz])$",
    r"^[\w.+-]+@[\w-]+\.[a-z]{2,}$",
]


@pytest.mark.parametrize("pattern", PATTERNS)
@given(seed=st.integers())
@settings(max_examples=20)
def test_a_simple_pattern_is_met(pattern: str, seed: int) -> None:
    """Classes, repeats, groups, branches and references are written out."""
    assert re.search(pattern, match_of(pattern, seeded(seed)))


@pytest.mark.parametrize("pattern", ["(", r"(?=x)y", "a{99999999999999}"])
def test_an_unreadable_pattern_gives_a_word(pattern: str) -> None:
    """What cannot be read or met is no error."""
    assert match_of(pattern, seeded(1)) == "synthetic"
