"""What is validated without instances is what the model would take and dump."""

from __future__ import annotations

import json
from enum import Enum, IntEnum
from typing import Annotated, Any, Generic, Literal, TypeVar

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    TypeAdapter,
    ValidationError,
)

from batchwright.data.answers.dict_validator import dict_validator


class _Color(str, Enum):  # noqa: UP042 - as most write it
    RED = "red"
    BLUE = "blue"


class _Level(IntEnum):
    LOW = 1
    HIGH = 2


class _Shade(Enum):
    DARK = "dark"
    PALE = "pale"


class _Inner(BaseModel):
    n: int
    s: str | None = None


class _Scalars(BaseModel):
    """All that JSON has."""

    s: str
    n: int
    x: float
    b: bool
    nothing: None = None


class _Bounded(BaseModel):
    s: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
    n: int = Field(ge=0, le=3)
    x: float = 1
    many: list[int] = Field(min_length=1, max_length=2)


class _Choices(BaseModel):
    a: Literal["red", 1, True] | None
    color: _Color
    level: _Level | None
    shade: _Shade = _Shade.PALE


class _Nested(BaseModel):
    one: _Inner
    two: _Inner | None = None
    many: list[_Inner] = []
    deep: list[list[bool]] = [[True]]


class _Tree(BaseModel):
    n: int
    parts: list[_Tree] | None = None


_T = TypeVar("_T")


class _Box(BaseModel, Generic[_T]):
    s: _T


class _Closed(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    s: str
    x: float
    level: _Level
    one: _Inner


class _Trimmed(BaseModel):
    model_config = ConfigDict(str_strip_whitespace=True, str_to_lower=True)

    s: str
    one: _Inner
    many: list[str]


_CONVERTED: list[type[BaseModel]] = [
    _Scalars,
    _Bounded,
    _Choices,
    _Nested,
    _Tree,
    _Box[int],
    _Closed,
    _Trimmed,
]


_SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-2, 4),
    st.integers(-(2**80), 2**80),
    st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from([1.0, 2.0, "1", "1.0", "true", "red", "RED", " Blue ", "", "é"]),
    st.text(max_size=3),
)


def _objects(values: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """Objects whose keys are those of some model, nearly."""
    names = {
        "s": st.sampled_from(["a", " B "]) | values,
        "n": st.sampled_from([0, 1, "2", 3.0]) | values,
        "x": st.sampled_from([0, -0.5, "2.5"]) | values,
        "b": st.sampled_from([True, "no", 1]) | values,
        "many": st.lists(st.sampled_from([1, "2", "A"]) | values, max_size=3),
    }
    more = {
        "a": st.sampled_from(["red", 1, True, 2]) | values,
        "color": st.sampled_from(["red", "blue", "RED"]) | values,
        "level": st.sampled_from([1, 2, 2.0, "1", True]) | values,
        "shade": st.sampled_from(["dark", "grey"]),
        "one": st.fixed_dictionaries({"n": st.sampled_from([1, "1"])}) | values,
        "two": values,
        "deep": st.just([[False], ["yes", 0]]) | values,
        "parts": st.lists(values, max_size=2),
        "nothing": values,
        "other": values,
    }
    return st.fixed_dictionaries(names, optional=more)


_VALUES = _SCALARS | st.lists(_SCALARS, max_size=2)
_ANSWERS = _objects(_VALUES | st.fixed_dictionaries({"n": _VALUES, "s": _VALUES}))


@pytest.mark.parametrize("model", _CONVERTED)
@given(answer=_ANSWERS)
def test_what_it_takes_the_model_takes_and_dumps(
    model: type[BaseModel], answer: dict[str, Any]
) -> None:
    """Nothing gets into a table that the class would refuse or write otherwise."""
    adapter = TypeAdapter(model)
    validate = dict_validator(adapter.core_schema)
    assert validate is not None
    text = json.dumps(answer)

    try:
        taken = adapter.validate_json(text)
    except ValidationError:
        with pytest.raises(ValidationError):
            validate(text)
    else:
        dumped = adapter.dump_python(taken, mode="json")
        assert json.dumps(validate(text)) == json.dumps(dumped)


@pytest.mark.parametrize(
    ("model", "text"),
    [
        (_Scalars, '{"s":"a","n":"3","x":1,"b":"yes","more":1}'),
        (_Bounded, '{"s":" a ","n":3.0,"many":["1"]}'),
        (_Choices, '{"a":true,"color":"red","level":2}'),
        (_Nested, '{"one":{"n":1},"many":[{"n":"2","s":"é"}]}'),
        (_Tree, '{"n":1,"parts":[{"n":2,"parts":[]},{"n":3}]}'),
        (_Box[int], '{"s":"1"}'),
        (_Closed, '{"s":"a","x":1,"level":1,"one":{"n":"1"}}'),
        (_Trimmed, '{"s":" A ","one":{"n":1,"s":" B "},"many":[" C "]}'),
    ],
)
def test_it_takes_what_is_valid(model: type[BaseModel], text: str) -> None:
    """A valid answer is dumped field by field, in the order of the fields."""
    adapter = TypeAdapter(model)
    validate = dict_validator(adapter.core_schema)
    assert validate is not None
    dumped = adapter.dump_python(adapter.validate_json(text), mode="json")
    assert json.dumps(validate(text)) == json.dumps(dumped)
