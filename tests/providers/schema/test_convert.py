"""Plain JSON Schemas, as people write them, in each provider's dialect."""

from __future__ import annotations

import re
from typing import Any

import pytest

from batchwright.errors import SchemaError

STRING, NULL = {"type": "string"}, {"type": "null"}


def _object(required: Any = None, **properties: Any) -> dict[str, Any]:
    names = list(properties) if required is None else list(required)
    return {"type": "object", "properties": properties, "required": names}


def _entry(key: Any, value: Any) -> dict[str, Any]:
    return {**_object(key=key, value=value), "additionalProperties": False}


def _field(way: Any, node: Any) -> Any:
    """Return what becomes of the schema of a required field."""
    return way.convert(_object(a=node))["properties"]["a"]


SAME = {
    "type-list": (
        {"type": ["string", "null"], "description": "D"},
        {"anyOf": [STRING, NULL], "description": "D"},
    ),
    "type-list-of-one": ({"type": ["string"]}, STRING),
    "type-list-with-bounds": (
        {"type": ["string", "array"], "items": STRING, "minItems": 1},
        {"anyOf": [STRING, {"type": "array", "items": STRING, "minItems": 1}]},
    ),
    "type-list-with-enum": (
        {"type": ["string", "null"], "enum": ["a", None]},
        {"anyOf": [{"type": "string", "enum": ["a"]}, NULL]},
    ),
    "enum-alone": ({"enum": ["a", "b"]}, {"type": "string", "enum": ["a", "b"]}),
    "enum-mixed": (
        {"enum": ["a", 1]},
        {
            "anyOf": [
                {"type": "string", "enum": ["a"]},
                {"type": "integer", "enum": [1]},
            ]
        },
    ),
    "const": ({"const": "a"}, {"type": "string", "enum": ["a"]}),
    "const-null": ({"const": None}, NULL),
    "one-of": ({"oneOf": [STRING, NULL]}, {"anyOf": [STRING, NULL]}),
    "nested-union": (
        {"anyOf": [{"anyOf": [STRING, NULL]}, {"type": "integer"}, STRING]},
        {"anyOf": [STRING, NULL, {"type": "integer"}]},
    ),
    "all-of": (
        {"allOf": [STRING, {"pattern": "^a$"}], "description": "D"},
        {"type": "string", "pattern": "^a$", "description": "D"},
    ),
    "title": ({"type": "string", "title": "T", "$comment": "C"}, STRING),
    "properties-alone": (
        {"properties": {"b": STRING}, "required": ["b"]},
        {**_object(b=STRING), "additionalProperties": False},
    ),
    "null-among-texts": (
        {"type": "string", "enum": ["a", None]},
        {"type": "string", "enum": ["a"]},
    ),
    "union-beside-a-type": (
        {"type": "string", "anyOf": [{"pattern": "^a"}, {"pattern": "^b"}]},
        {
            "type": "string",
            "description": 'Must hold: anyOf [{"pattern":"^a"},{"pattern":"^b"}].',
        },
    ),
    "map-by-patterns": (
        {
            "type": "object",
            "patternProperties": {"^a": STRING, "^b": {"type": "integer"}},
            "additionalProperties": False,
        },
        {
            "type": "array",
            "items": {
                "anyOf": [
                    _entry({**STRING, "pattern": "^a"}, STRING),
                    _entry({**STRING, "pattern": "^b"}, {"type": "integer"}),
                ]
            },
            "description": "The entries of a map, each key once.",
        },
    ),
    "default": (
        {"type": "integer", "default": 5, "examples": [1]},
        {"type": "integer", "description": "Default: 5. Examples: [1]."},
    ),
    "length": (
        {"type": "string", "minLength": 2, "description": "D."},
        {"type": "string", "description": "D. Must hold: minLength 2."},
    ),
    "hard-pattern": (
        {"type": "string", "pattern": "(?=a)a"},
        {"type": "string", "description": "Must hold: pattern (?=a)a."},
    ),
    "unknown-format": (
        {"type": "string", "format": "colour"},
        {"type": "string", "description": "Must hold: format colour."},
    ),
    "not": (
        {"type": "string", "not": {"const": ""}},
        {"type": "string", "description": 'Must hold: not {"const":""}.'},
    ),
    "unique": (
        {"type": "array", "items": STRING, "uniqueItems": True},
        {
            "type": "array",
            "items": STRING,
            "description": "Must hold: uniqueItems true.",
        },
    ),
}


@pytest.mark.parametrize("name", SAME)
def test_both_dialects(name: str, way: Any) -> None:
    """What both providers know, or neither, is converted alike for both."""
    node, expected = SAME[name]
    assert _field(way, node) == expected


def test_bounds(way_of: Any) -> None:
    """OpenAI enforces bounds; Anthropic's models read them."""
    node = {"type": "integer", "minimum": 1, "description": "D."}
    assert _field(way_of("openai"), node) == node
    assert _field(way_of("anthropic"), node) == {
        "type": "integer",
        "description": "D. Must hold: minimum 1.",
    }


def test_optional(way_of: Any) -> None:
    """OpenAI writes null for what is absent; Anthropic leaves it out."""
    source = _object([], a={"type": "string", "description": "D"})
    openai, anthropic = (way_of(one).convert(source) for one in ("openai", "anthropic"))
    assert openai["required"] == ["a"]
    assert openai["properties"]["a"] == {"anyOf": [STRING, NULL], "description": "D"}
    assert anthropic["required"] == []
    assert anthropic["properties"]["a"] == source["properties"]["a"]


REFERENCES = {
    "defs": ("#/$defs/B", {"$defs": {"B": STRING}}),
    "definitions": ("#/definitions/B", {"definitions": {"B": STRING}}),
    "escaped": ("#/$defs/a~1b%20c", {"$defs": {"a/b c": STRING}}),
    "escaped-signs": ("#/$defs/List%3CItem%3E", {"$defs": {"List<Item>": STRING}}),
    "anchor": ("#b", {"$defs": {"B": {**STRING, "$anchor": "b"}}}),
    "in-a-list": ("#/$defs/B/anyOf/0", {"$defs": {"B": {"anyOf": [STRING]}}}),
    "anywhere": ("#/properties/b", {}),
}


@pytest.mark.parametrize("name", REFERENCES)
def test_references(name: str, way: Any) -> None:
    """Wherever a reference leads, the definition comes along."""
    target, more = REFERENCES[name]
    schema = way.convert({**_object(a={"$ref": target}, b=STRING), **more})
    assert re.fullmatch(r"#/\$defs/[\w.-]+", schema["properties"]["a"]["$ref"])
    found = schema["properties"]["a"]["$ref"].removeprefix("#/$defs/")
    assert schema["$defs"] == {found: STRING}


def test_a_described_reference(way: Any) -> None:
    """A reference with words of its own becomes a copy with these words."""
    source = _object(a={"$ref": "#/$defs/B", "description": "Mine"})
    source["$defs"] = {"B": {**STRING, "description": "Theirs"}}
    expected = {**_object(a={**STRING, "description": "Mine"})}
    assert way.convert(source) == {**expected, "additionalProperties": False}


def test_two_definitions_of_one_name(way: Any) -> None:
    """Definitions of the same name in two places stay apart."""
    source = _object(a={"$ref": "#/$defs/B"}, b={"$ref": "#/definitions/B"})
    source |= {"$defs": {"B": STRING}, "definitions": {"B": {"type": "integer"}}}
    assert way.convert(source)["$defs"] == {"B": STRING, "B_2": {"type": "integer"}}


def test_merged_objects(way: Any) -> None:
    """All parts of an `allOf` hold, the narrower bound of two."""
    wide = {"type": "array", "items": STRING, "minItems": 0}
    first = _object(a=wide, b=STRING)
    second = {"properties": {"a": {"minItems": 1}}, "required": ["b"]}
    found = way.convert({"allOf": [first, second]})
    assert found["properties"] == {"a": {**wide, "minItems": 1}, "b": STRING}


@pytest.mark.parametrize(
    ("node", "said"),
    [
        ({}, "Field `a` may hold any value"),
        (True, "Field `a` may hold any value"),
        ({"type": "array"}, "Field `a[]` may hold any value"),
        (_object(["b"], c=STRING), "Field `a.b` may hold any value"),
        ({"type": "string", "enum": [1]}, "Field `a` allows no value"),
        (
            {**_object(b=STRING), "additionalProperties": STRING},
            "Field `a` has named properties and any others besides",
        ),
        (
            {**_object(b=STRING), "patternProperties": {"^c": STRING}},
            "Field `a` has named properties and any others besides",
        ),
        (
            {
                "type": "object",
                "patternProperties": {"^c": STRING},
                "additionalProperties": {"type": "integer"},
            },
            "Field `a` has keys of a pattern and any others besides",
        ),
        ({"type": "object"}, "Field `a` is an object of any content"),
        ({"type": "text"}, "Field `a` has the unknown type 'text'"),
        ({"$ref": "#/$defs/No"}, "Field `a` refers to '#/$defs/No', which does not"),
        ({"$ref": "other.json"}, "Field `a` refers to 'other.json', outside"),
        (
            {"allOf": [STRING, {"type": "integer"}]},
            "Field `a` sets `type` twice in an `allOf`",
        ),
        (
            {"type": "array", "prefixItems": [STRING], "items": STRING},
            "Field `a` is a tuple with an open end",
        ),
    ],
)
def test_refused(node: Any, said: str, way: Any) -> None:
    """What cannot be expressed is refused with the field's name."""
    with pytest.raises(SchemaError) as caught:
        _field(way, node)
    assert str(caught.value).startswith(said)


@pytest.mark.parametrize(
    "source",
    [
        {"$ref": "#"},
        {"$ref": "#/$defs/A", "$defs": {"A": {"$ref": "#/$defs/A"}}},
    ],
)
def test_references_that_never_end(source: Any, way: Any) -> None:
    """A schema that only refers to itself is refused, not followed for ever."""
    with pytest.raises(SchemaError):
        way.convert(source)


def _nested(levels: int) -> dict[str, Any]:
    node: dict[str, Any] = STRING
    for _ in range(levels):
        node = _object(a=node)
    return node


LONG = {"type": "string", "enum": [f"{at:060}" for at in range(251)]}
TOO_LARGE = {
    "levels": ("openai", _nested(10), "levels"),
    "fields": (
        "openai",
        _object(**{f"f{at}": STRING for at in range(5001)}),
        "fields",
    ),
    "enum": ("openai", _object(a={"enum": list(range(1001))}), "enum values"),
    "long-enum": ("openai", _object(a=LONG), "characters in one enum"),
    "text": ("openai", _object(**{"f" * 120_001: STRING}), "characters in names"),
    "unions": (
        "anthropic",
        _object(**{f"f{at}": {"anyOf": [STRING, NULL]} for at in range(17)}),
        "unions",
    ),
    "optional": (
        "anthropic",
        _object([], **{f"f{at}": STRING for at in range(41)}),
        "unions",
    ),
}


@pytest.mark.parametrize("name", TOO_LARGE)
def test_too_large(name: str, way_of: Any) -> None:
    """A schema over a provider's limit is refused with the count and the limit."""
    provider, source, what = TOO_LARGE[name]
    with pytest.raises(SchemaError, match=what):
        way_of(provider).convert(source)


def test_just_small_enough(way_of: Any) -> None:
    """Optional fields over Anthropic's limit become required, and may be null."""
    source = _object([], **{f"f{at}": STRING for at in range(40)})
    schema = way_of("anthropic").convert(source)
    assert len(schema["required"]) == 16
    assert way_of("openai").convert(_nested(9))
