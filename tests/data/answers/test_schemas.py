"""JSON Schema files that answers cannot be held to."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import pytest

from batchwright.data.answers.load import load_answer
from batchwright.errors import InputError

_TEXT = {"type": "string"}


@pytest.mark.parametrize(
    ("node", "said"),
    [
        ({**_TEXT, "nullable": True}, "at `#/properties/a` has `nullable`"),
        ({"$dynamicRef": "#x"}, "at `#/properties/a` has `$dynamicRef`"),
        ({**_TEXT, "$id": "x"}, "at `#/properties/a` has `$id`"),
        ({"$ref": "#x"}, "at `#/properties/a` refers to '#x', which does not exist"),
        ({"items": {"$ref": "#/x"}}, "at `#/properties/a/items` refers to '#/x'"),
        ({"not": {"$ref": "y.json"}}, "at `#/properties/a/not` refers to 'y.json'"),
        ({"anyOf": [_TEXT], "oneOf": [_TEXT]}, "has `anyOf` and `oneOf`"),
        (
            {**_TEXT, "pattern": "\\p{L}"},
            "is not a 'regex' (at `#/properties/a/pattern`)",
        ),
        ({"type": "text"}, "(at `#/properties/a/type`)"),
        ({"patternProperties": {"(": {}}}, "(at `#/properties/a/patternProperties`)"),
    ],
)
@pytest.mark.parametrize("as_file", [True, False])
def test_the_place_is_named(
    tmp_path: Path, node: Any, said: str, *, as_file: bool
) -> None:
    """What would make every answer invalid is refused before anything is sent."""
    schema = {"type": "object", "properties": {"a": node}}
    path = tmp_path / "answer.json"
    path.write_bytes(orjson.dumps(schema))
    with pytest.raises(InputError) as caught:
        load_answer(str(path) if as_file else schema)
    assert said in str(caught.value)


def test_a_run_goes_on_with_the_schema_that_it_sent() -> None:
    """What was sent once is not refused when its answers are read."""
    schema = {"type": "object", "properties": {"a": {**_TEXT, "nullable": True}}}
    assert load_answer(schema, schema).columns == {"a": "string"}
