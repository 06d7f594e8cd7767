"""Schemas of any shape: what is answered to them is brought back into their shape."""

from __future__ import annotations

import random
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from batchwright.providers import get_format
from batchwright.sandbox.answers.sample import sample

_SCALARS = st.sampled_from(
    [
        {"type": "string"},
        {"type": "integer"},
        {"type": "boolean"},
        {"type": "null"},
        {"enum": ["Red", "blue", None]},
        {"const": 7},
    ]
)


def _with_patterns(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    by_pattern = inner.map(
        lambda one: {
            "type": "object",
            "patternProperties": {"^x": one},
            "additionalProperties": False,
        }
    )
    return _larger(inner) | by_pattern


def _larger(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    several = st.lists(inner, min_size=1, max_size=3)
    maps = inner.map(lambda one: {"type": "object", "additionalProperties": one})
    objects = several.map(
        lambda many: {
            "type": "object",
            "properties": {f"p{n}": one for n, one in enumerate(many)},
            "required": [f"p{n}" for n in range(len(many))],
            "additionalProperties": False,
        }
    )
    tuples = several.map(
        lambda many: {"type": "array", "prefixItems": many, "items": False}
    )
    lists = inner.map(lambda one: {"type": "array", "items": one})
    unions = several.map(lambda many: {"anyOf": many})
    return maps | objects | tuples | lists | unions


@pytest.mark.parametrize("provider", ["openai", "anthropic"])
@given(node=st.recursive(_SCALARS, _with_patterns, max_leaves=5))
@settings(max_examples=50)
def test_an_answer_comes_back_in_the_shape_of_its_source(
    provider: str, node: Any, way_of: Any
) -> None:
    """The provider takes what is sent, and its answer is valid as the source says."""
    _assert_it_comes_back(provider, node, way_of)


@given(node=st.recursive(_SCALARS, _larger, max_leaves=5))
@settings(max_examples=25)
def test_gemini_s_answer_comes_back(node: Any, way_of: Any) -> None:
    """The same, but for patterns, which Gemini does not enforce."""
    _assert_it_comes_back("gemini", node, way_of)


def _assert_it_comes_back(provider: str, node: Any, way_of: Any) -> None:
    source = {
        "type": "object",
        "properties": {"a": {"$ref": "#/$defs/A~1B"}, "b": node},
        "required": ["a", "b"],
        "$defs": {"A/B": node},
    }
    schema, fmt = way_of(provider).convert(source), get_format(provider)
    validator = jsonschema.Draft202012Validator(source)
    for seed in range(5):
        answer = sample(schema, random.Random(seed))  # noqa: S311 - no secret
        validator.validate(fmt.restore(source, answer))
