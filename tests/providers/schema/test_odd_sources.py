"""Source schemas that no answer can be asked for with."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest

from batchwright.data.answers.load import load_answer
from batchwright.errors import InputError, SchemaError
from batchwright.models import RequestTemplate
from batchwright.providers import get_format

_TEXT = {"type": "string"}


@pytest.mark.parametrize("provider", ["openai", "anthropic"])
@pytest.mark.parametrize(
    "schema",
    [
        {"type": "object", "properties": {"a": {"oneOf": [_TEXT, True]}}},
        {"type": "object", "properties": {"a": {"anyOf": [_TEXT, False]}}},
        {"oneOf": [{"type": "object"}, True]},
        {"type": "object", "properties": {}},
        {"anyOf": [{"$ref": "#"}]},
        {"$ref": "#"},
        {"allOf": [{"$ref": "#"}]},
        {"allOf": [True]},
        {"$ref": "#/required/0", "required": ["a"]},
    ],
)
def test_it_is_refused_in_a_sentence(provider: str, schema: dict[str, Any]) -> None:
    """Both the columns of the table and the request are asked for."""
    template = RequestTemplate(
        model="m", endpoint=f"/v1/{provider}", answer_schema=schema
    )
    asked: list[Callable[[], object]] = [
        lambda: load_answer(schema),
        lambda: get_format(provider).encoder(template),
    ]
    refused = 0
    for ask in asked:
        with suppress(InputError):
            ask()
            continue
        refused += 1
    assert refused


def _chain(keyword: str, levels: int = 40) -> dict[str, Any]:
    """Return a small schema that is huge with each reference written out."""
    defs: dict[str, Any] = {f"d{levels}": _TEXT}
    for level in range(levels):
        inner = {"$ref": f"#/$defs/d{level + 1}", "minLength": 1}
        parts = [{**inner, "title": side} for side in "ab"]
        defs[f"d{level}"] = (
            {"type": "object", "properties": dict(zip("ab", parts, strict=True))}
            if keyword == "properties"
            else {keyword: parts}
        )
    return {
        "type": "object",
        "properties": {"a": {"$ref": "#/$defs/d0"}},
        "required": ["a"],
        "$defs": defs,
    }


@pytest.mark.parametrize("keyword", ["anyOf", "oneOf", "properties"])
def test_what_is_huge_when_written_out_is_refused(keyword: str) -> None:
    """It takes no time that doubles with each definition."""
    schema = _chain(keyword)
    template = RequestTemplate(
        model="gpt-5-mini", endpoint="/v1/responses", answer_schema=schema
    )
    with pytest.raises(SchemaError, match=r"very large with each `\$ref`"):
        get_format("openai").encoder(template)


def test_a_branch_that_is_no_schema_is_named() -> None:
    """The sentence says where it is and what to do."""
    schema = {"type": "object", "properties": {"a": {"oneOf": [_TEXT, True]}}}
    template = RequestTemplate(
        model="gpt-5-mini", endpoint="/v1/responses", answer_schema=schema
    )
    with pytest.raises(SchemaError, match="`a` has a branch that is true or false"):
        get_format("openai").encoder(template)
