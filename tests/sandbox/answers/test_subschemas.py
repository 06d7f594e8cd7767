"""The sandbox's own idea of which schemas the providers refuse."""

from __future__ import annotations

from typing import Any

import pytest

from batchwright.sandbox.anthropic.schema import schema_problem as anthropic_problem
from batchwright.sandbox.openai.schema import schema_problem as openai_problem


def _object(**properties: Any) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def _deep(levels: int) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": "string"}
    for _ in range(levels):
        schema = _object(a=schema)
    return schema


TEXT = {"type": "string"}
TREE = {
    "$defs": {
        "Node": _object(children={"type": "array", "items": {"$ref": "#/$defs/Node"}})
    },
    **_object(root={"$ref": "#/$defs/Node"}),
}
SHARED = {
    "$defs": {"Point": _object(x={"type": "integer"})},
    **_object(a={"$ref": "#/$defs/Point"}, b={"$ref": "#/$defs/Point"}),
}
OPTIONAL = {**_object(a=TEXT), "required": []}
# schema, whether OpenAI takes it, whether Anthropic takes it
CASES: list[tuple[Any, bool, bool]] = [
    (_object(a=TEXT), True, True),
    (_object(), True, True),
    (SHARED, True, True),
    (TREE, True, False),
    (OPTIONAL, False, True),
    ({**_object(a=TEXT), "additionalProperties": True}, False, False),
    ({"type": "object", "properties": {}}, False, False),
    (TEXT, False, True),
    ({"anyOf": [_object(a=TEXT)], "type": "object"}, False, False),
    (_object(a={"anyOf": [TEXT, {"type": "null"}]}), True, True),
    (_object(a={"oneOf": [TEXT]}), False, False),
    (_object(a={"enum": ["x", None], **TEXT}), False, False),
    (_object(a={"enum": ["x", None]}), True, True),
    (_object(a={"nullable": True, **TEXT}), False, False),
    ({**_object(a={"$ref": "#b"}), "$defs": {"B": TEXT}}, False, False),
    ({**_object(a={"$ref": "#/$defs/B%20~1"}), "$defs": {"B /": TEXT}}, True, True),
    ({**_object(a=TEXT), "required": ["a", "b"]}, False, True),
    (_object(a={"allOf": [TEXT]}), False, True),
    (_object(a={"allOf": [{"$ref": "#/$defs/X"}]}), False, False),
    (_object(a={"$ref": "#/$defs/Nothing"}), False, False),
    (_object(a={"$ref": "https://example.com/x.json"}), False, False),
    (_object(a={}), False, False),
    (_object(a={"type": "array"}), False, False),
    (_object(a={"type": "array", "items": TEXT, "minItems": 1}), True, True),
    (_object(a={"type": "array", "items": TEXT, "minItems": 2}), True, False),
    (_object(a={"type": "array", "items": TEXT, "maxItems": 2}), True, False),
    (_object(a={"type": "array", "items": TEXT, "uniqueItems": True}), False, False),
    (_object(a={"type": "array", "prefixItems": [TEXT], "items": TEXT}), False, False),
    (_object(a={"type": "integer", "minimum": 0}), True, False),
    (_object(a={"type": "string", "maxLength": 5}), True, False),
    (_object(a={"type": "string", "pattern": "^a$"}), True, True),
    (_object(a={"type": "string", "format": "date"}), True, True),
    (_object(a={"type": "string", "format": "color"}), True, False),
    (_object(a={"type": "object", "additionalProperties": TEXT}), False, False),
    (_deep(10), True, True),
    (_deep(11), False, True),
    (_object(**{f"p{i}": TEXT for i in range(5001)}), False, True),
    (_object(a={"enum": [str(i) for i in range(1001)]}), False, True),
    (_object(a={"enum": ["x" * 100 + str(i) for i in range(251)]}), False, True),
    ({**_object(**{f"p{i}": TEXT for i in range(25)}), "required": []}, False, False),
    (_object(**{f"p{i}": {"anyOf": [TEXT]} for i in range(17)}), True, False),
    (None, False, False),
]


@pytest.mark.parametrize(("schema", "openai", "anthropic"), CASES)
def test_each_provider_has_its_own_rules(
    *, schema: Any, openai: bool, anthropic: bool
) -> None:
    """The table says which provider takes which schema."""
    assert (openai_problem(schema) is None) == openai, openai_problem(schema)
    assert (anthropic_problem(schema) is None) == anthropic, anthropic_problem(schema)
