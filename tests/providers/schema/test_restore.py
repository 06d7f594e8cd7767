"""Answers brought back from the shape they were asked for in."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batchwright.providers import get_format

FMT = get_format("openai")
STRING, NUMBER = {"type": "string"}, {"type": "number"}
MAP = {"type": "object", "additionalProperties": NUMBER}
PAIR = {"type": "array", "prefixItems": [STRING, MAP]}
SIDES = {"enum": ["Left", "RIGHT"]}
TWINS = {"enum": ["a", "A"]}


def _object(required: tuple[str, ...] = (), **properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": required}


def _entries(**values: Any) -> list[dict[str, Any]]:
    return [{"key": key, "value": value} for key, value in values.items()]


CASES = {
    "root": (STRING, {"answer": "a"}, "a"),
    "root-unwrapped": (STRING, "a", "a"),
    "root-union": ({"anyOf": [SIDES, STRING]}, {"answer": "left"}, "Left"),
    "object-named-answer": (
        _object(("answer",), answer=STRING),
        {"answer": "a"},
        {"answer": "a"},
    ),
    "absent": (_object(a=STRING), {"a": None}, {}),
    "null": (_object(a={"type": ["string", "null"]}), {"a": None}, {"a": None}),
    "required-null": (_object(("a",), a=STRING), {"a": None}, {"a": None}),
    "unknown-key": (_object(a=STRING), {"b": None}, {"b": None}),
    "map": (_object(a=MAP), {"a": _entries(x=1)}, {"a": {"x": 1}}),
    "map-empty": (_object(a=MAP), {"a": []}, {"a": {}}),
    "map-as-it-is": (_object(a=MAP), {"a": {"x": 1}}, {"a": {"x": 1}}),
    "map-key-twice": (
        _object(a=MAP),
        {"a": _entries(x=1) + _entries(x=2)},
        {"a": {"x": 2}},
    ),
    "map-of-maps": (
        {"type": "object", "additionalProperties": MAP},
        {"answer": _entries(x=_entries(y=1))},
        {"x": {"y": 1}},
    ),
    "map-by-pattern": (
        _object(a={"type": "object", "patternProperties": {"^x": SIDES}}),
        {"a": _entries(x="LEFT")},
        {"a": {"x": "Left"}},
    ),
    "map-keys": (
        _object(a={**MAP, "propertyNames": SIDES}),
        {"a": _entries(right=1)},
        {"a": {"RIGHT": 1}},
    ),
    "tuple": (
        _object(a=PAIR),
        {"a": {"item_1": "a", "item_2": _entries(x=1)}},
        {"a": ["a", {"x": 1}]},
    ),
    "tuple-as-it-is": (
        _object(a=PAIR),
        {"a": ["a", _entries(x=1)]},
        {"a": ["a", {"x": 1}]},
    ),
    "list": (
        _object(a={"type": "array", "items": SIDES}),
        {"a": ["LEFT", "up", 7]},
        {"a": ["Left", "up", 7]},
    ),
    "case-unclear": (_object(a=TWINS), {"a": "A"}, {"a": "A"}),
    "const": (_object(a={"const": "Yes"}), {"a": "YES"}, {"a": "Yes"}),
    "by-reference": (
        {**_object(a={"$ref": "#/$defs/M"}), "$defs": {"M": MAP}},
        {"a": _entries(x=1)},
        {"a": {"x": 1}},
    ),
    "recursive": (
        _object(next={"$ref": "#"}, map=MAP),
        {"next": {"next": None, "map": _entries(x=1)}, "map": None},
        {"next": {"map": {"x": 1}}},
    ),
    "merged": (
        {"allOf": [_object(a=MAP), _object(b=STRING)]},
        {"a": _entries(x=1), "b": None},
        {"a": {"x": 1}},
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_restore(name: str) -> None:
    """Each change of shape is undone, at any depth."""
    source, answer, expected = CASES[name]
    assert FMT.restore(source, answer) == expected


UNION = {
    "anyOf": [
        _object(("kind", "m"), kind={"const": "map"}, m=MAP),
        _object(("kind", "m"), kind={"const": "list"}, m={"type": "array"}),
        MAP,
        PAIR,
        {"type": "array", "items": SIDES},
        {"type": "integer"},
        SIDES,
    ]
}


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ({"kind": "map", "m": []}, {"kind": "map", "m": {}}),
        ({"kind": "LIST", "m": []}, {"kind": "list", "m": []}),
        (_entries(x=1), {"x": 1}),
        ({"x": 1}, {"x": 1}),
        ({"item_1": "a", "item_2": []}, ["a", {}]),
        (7, 7),
        (True, True),
        ("left", "Left"),
    ],
)
def test_unions(answer: Any, expected: Any) -> None:
    """The branch that an answer looks like decides how it is brought back."""
    assert FMT.restore(_object(a=UNION), {"a": answer}) == {"a": expected}


INTEGERS = {"type": "array", "items": {"type": "integer"}}
TEXTS = {"type": "object", "additionalProperties": STRING}
NULL = {"type": "null"}
NODE = {
    "anyOf": [
        {"type": "array", "items": {"$ref": "#/$defs/Node"}},
        {"type": "object", "additionalProperties": {"$ref": "#/$defs/Node"}},
        NUMBER,
    ]
}


@pytest.mark.parametrize(
    ("branches", "answer", "expected"),
    [
        ([INTEGERS, TEXTS, NULL], _entries(x="a"), {"x": "a"}),
        ([INTEGERS, TEXTS, NULL], [1], [1]),
        ([INTEGERS, TEXTS, NULL], None, None),
        ([INTEGERS, {"anyOf": [TEXTS, NULL]}], _entries(x="a"), {"x": "a"}),
        (
            [
                {"type": "array", "items": INTEGERS},
                {"type": "array", "items": TEXTS},
            ],
            [_entries(x="a")],
            [{"x": "a"}],
        ),
        ([MAP, {"type": "object", "additionalProperties": PAIR}], [], {}),
        (
            [
                {"type": "object", "additionalProperties": INTEGERS},
                {"type": "object", "additionalProperties": TEXTS},
            ],
            _entries(x=_entries(y="a")),
            {"x": {"y": "a"}},
        ),
        (
            [_object(("a",), a=INTEGERS), _object(("a",), a=TEXTS, b=STRING)],
            {"a": _entries(x="a"), "b": None},
            {"a": {"x": "a"}},
        ),
        (
            [{"type": "array", "prefixItems": [STRING, INTEGERS]}, PAIR],
            {"item_1": "a", "item_2": _entries(x=1)},
            ["a", {"x": 1}],
        ),
        (
            [{"$ref": "#/$defs/Node"}, STRING],
            [_entries(x=[1, _entries(y=2)])],
            [{"x": [1, {"y": 2}]}],
        ),
        ([INTEGERS, TEXTS], [1, "a"], [1, "a"]),
    ],
)
def test_what_a_branch_holds_tells_it_apart(
    branches: list[Any], answer: Any, expected: Any
) -> None:
    """A map is brought back although it is sent as a list, which others are too."""
    source = {**_object(a={"anyOf": branches}), "$defs": {"Node": NODE}}
    assert FMT.restore(source, {"a": answer}) == {"a": expected}


def test_sources_take_turns() -> None:
    """One format restores for several sources."""
    for _ in range(2):
        for name in ("map", "tuple"):
            source, answer, expected = CASES[name]
            assert FMT.restore(source, answer) == expected


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: (
        st.lists(inner)
        | st.dictionaries(st.sampled_from(["a", "b", "key", "value", "item_1"]), inner)
    ),
)


@given(answer=json_values, name=st.sampled_from(sorted(CASES)))
def test_never_raises(answer: Any, name: str) -> None:
    """An answer of any other shape is left for the validation to judge."""
    FMT.restore(CASES[name][0], answer)
    FMT.restore(_object(a=UNION), {"a": answer})
