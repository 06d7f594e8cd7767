"""What the table holds of a class: the values that it validated, under their names."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import Enum
from typing import Annotated, Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import (
    AfterValidator,
    AliasChoices,
    AliasGenerator,
    AliasPath,
    Base64Bytes,
    BaseModel,
    ConfigDict,
    Field,
    PlainSerializer,
    PlainValidator,
    RootModel,
    Secret,
    SecretBytes,
    SecretStr,
    WithJsonSchema,
    WrapSerializer,
    computed_field,
    field_serializer,
    model_serializer,
)
from pydantic.alias_generators import to_camel
from pydantic.dataclasses import dataclass
from pydantic_core import core_schema

from batchwright.data.answers.load import load_answer
from batchwright.data.answers.schemas import source_schema
from batchwright.errors import InputError
from batchwright.models import BatchResult, Outcome
from batchwright.providers import get_format


class _Camel(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, serialize_by_alias=True)

    due_days: int


class _ByName(BaseModel):
    model_config = ConfigDict(
        alias_generator=to_camel, validate_by_alias=False, validate_by_name=True
    )

    due_days: int


class _ShownOnly(BaseModel):
    model_config = ConfigDict(
        alias_generator=AliasGenerator(serialization_alias=to_camel),
        serialize_by_alias=True,
    )

    due_days: int
    n: int = Field(serialization_alias="number")


class _Choices(BaseModel):
    units: str = Field(validation_alias=AliasChoices(AliasPath("q", "z"), "u", "units"))


class _PathOrName(BaseModel):
    model_config = ConfigDict(populate_by_name=True)

    city: str = Field(validation_alias=AliasPath("address", "city"))


class _Root(RootModel[_Camel]):
    pass


class _Excluded(BaseModel):
    reason: str = Field(exclude=True)
    label: str = Field(exclude_if=bool)


class _Secrets(BaseModel):
    text: SecretStr
    data: SecretBytes
    day: Secret[date]
    many: list[SecretStr]
    maybe: SecretStr | None


def _unable(_value: Any, _handler: Any) -> Any:
    raise KeyError("no")


class _Serialized(BaseModel):
    when: date
    price: Annotated[Decimal, PlainSerializer(lambda value: f"{value:.1f} EUR")]
    ratio: Annotated[float, WrapSerializer(_unable)]
    days: list[Annotated[date, PlainSerializer(lambda _: "x", return_type=str)]]

    @field_serializer("when")
    def _german(self, value: date) -> str:
        return value.strftime("%d.%m.%Y")

    @model_serializer(mode="wrap")
    def _other(self, _handler: Any) -> dict[str, int]:
        return {"n": 1}


class _Computed(BaseModel):
    a: int = Field(alias="first")

    @computed_field(alias="twoTimes")  # type: ignore[prop-decorator]
    @property
    def double(self) -> int:
        return self.a * 2


class _Shade(Enum):
    DARK = "dark"


@dataclass
class _Point:
    x_axis: int = Field(alias="x")


class _Types(BaseModel):
    some: set[int]
    pair: tuple[int, str]
    raw: bytes
    coded: Base64Bytes
    took: timedelta
    at: datetime
    shade: _Shade
    by_number: dict[int, str]
    point: _Point


class _Bytes(BaseModel):
    raw: Annotated[bytes, AfterValidator(lambda value: b"\xff" + value)]


class _Odd:
    def __init__(self, text: str) -> None:
        self.text = text

    def __str__(self) -> str:
        return f"odd {self.text}"


class _Opaque(BaseModel):
    odd: Annotated[
        Any,
        PlainValidator(_Odd),
        PlainSerializer(lambda odd: odd.text, return_type=str),
        WithJsonSchema({"type": "string"}),
    ]


class _Foreign:
    """As Pydantic's documentation shows types of other libraries."""

    def __init__(self, text: str) -> None:
        self.text = text

    @classmethod
    def __get_pydantic_core_schema__(cls, _source: Any, _handler: Any) -> Any:
        made = core_schema.no_info_after_validator_function(
            cls, core_schema.str_schema()
        )
        return core_schema.json_or_python_schema(
            json_schema=made,
            python_schema=core_schema.union_schema(
                [core_schema.is_instance_schema(cls), made]
            ),
            serialization=core_schema.plain_serializer_function_ser_schema(
                lambda each: each.text
            ),
        )


class _Foreigners(BaseModel):
    one: _Foreign
    many: list[_Foreign]
    secret: SecretStr
    plain: Annotated[Any, PlainValidator(_Odd), WithJsonSchema({"type": "string"})]

    @field_serializer("secret")
    def _hide(self, _value: Any, _info: Any) -> str:
        return "hidden"


class _Reserved(BaseModel):
    default: int
    type: str
    metadata: dict[str, SecretStr]
    serialization: str = "x"


_TYPES = {
    "some": [1, 1],
    "pair": [1, "a"],
    "raw": "é",
    "coded": "aGk=",
    "took": "P1DT2H",
    "at": "2026-01-02T10:00:00+05:30",
    "shade": "dark",
    "by_number": {"1": "a"},
    "point": {"x": 1},
}
_SECRETS = {"text": "a", "data": "b", "day": "2026-01-02", "many": ["c"], "maybe": None}
_SERIALIZED = {
    "when": "2026-01-02",
    "price": "1.25",
    "ratio": 0.5,
    "days": ["2026-01-02"],
}
_RESERVED = {"default": 1, "type": "t", "metadata": {"a": "b"}, "serialization": "s"}
_SHOWN: list[tuple[Any, Any, Any]] = [
    (_Camel, {"dueDays": 1}, {"dueDays": 1}),
    (_ByName, {"due_days": 1}, {"due_days": 1}),
    (_ShownOnly, {"due_days": 1, "n": 2}, {"due_days": 1, "n": 2}),
    (_Choices, {"u": "cm"}, {"u": "cm"}),
    (_PathOrName, {"city": "Bonn"}, {"city": "Bonn"}),
    (_Root, {"dueDays": 1}, {"dueDays": 1}),
    (_Excluded, {"reason": "a", "label": "b"}, {"reason": "a", "label": "b"}),
    (_Secrets, _SECRETS, _SECRETS),
    (_Serialized, _SERIALIZED, _SERIALIZED),
    (_Computed, {"first": 2}, {"first": 2, "double": 4}),
    (_Types, _TYPES, {**_TYPES, "some": [1], "point": {"x_axis": 1}}),
    (_Bytes, {"raw": "a"}, {"raw": "_2E="}),
    (_Opaque, {"odd": "a"}, {"odd": "a"}),
    (
        _Foreigners,
        {"one": "a", "many": ["b"], "secret": "c", "plain": "d"},
        {"one": "a", "many": ["b"], "secret": "c", "plain": "odd d"},
    ),
    (_Reserved, _RESERVED, _RESERVED),
]


def _validate(model: Any, *answers: Any) -> tuple[list[Any], dict[int, str]]:
    results = [
        BatchResult("x", Outcome.SUCCEEDED, orjson.dumps(answer).decode())
        for answer in answers
    ]
    return load_answer(model).validate(results, get_format("openai"))


@pytest.mark.parametrize(("model", "answer", "expected"), _SHOWN)
def test_the_table_holds_what_was_validated(
    model: Any, answer: Any, expected: Any
) -> None:
    """Names are those that were asked for; how a class shows its values is left out."""
    assert _validate(model, answer) == ([expected], {})
    assert [*load_answer(model).columns] == [*expected]


@pytest.mark.parametrize(
    ("model", "kinds"),
    [
        (
            _Serialized,
            {"when": "date", "price": "string", "ratio": "double", "days": "json"},
        ),
        (_Computed, {"first": "int64", "double": "int64"}),
        (
            _Secrets,
            {**dict.fromkeys(_SECRETS, "string"), "day": "date", "many": "json"},
        ),
    ],
)
def test_columns_have_the_types_of_the_values(
    model: Any, kinds: dict[str, str]
) -> None:
    """A serializer changes no column's type either."""
    assert load_answer(model).columns == kinds


class _Inside(BaseModel):
    city: str = Field(validation_alias=AliasPath("address", "city"))


class _Outer(BaseModel):
    many: list[_Inside]


class _Twice(BaseModel):
    a: int = Field(alias="x")
    b: int = Field(alias="x")


class _Taken(BaseModel):
    a: int = Field(alias="total")

    @computed_field  # type: ignore[prop-decorator]
    @property
    def total(self) -> int:
        return self.a


class _Ghost(BaseModel):
    model_config = ConfigDict(
        json_schema_extra={
            "properties": {"a": {"type": "string"}, "b": {"type": "string"}}
        }
    )

    a: str


def _exit(_schema: dict[str, Any]) -> None:
    raise SystemExit(3)


class _Exits(BaseModel):
    model_config = ConfigDict(json_schema_extra=_exit)

    a: str


@pytest.mark.parametrize(
    ("model", "said"),
    [
        (_Inside, "Field `city` of '_Inside' is read from a place inside another"),
        (_Outer, "Field `city` of '_Inside' is read from a place inside another"),
        (_Twice, "Field `b` of '_Twice' and `a` are both read from 'x'"),
        (_Taken, "a computed field 'total', and another"),
        (_Ghost, "asks for 'b', but the class has no such field"),
        (_Exits, "cannot be sent: SystemExit: 3"),
    ],
)
def test_a_class_that_answers_cannot_fill_is_refused(model: Any, said: str) -> None:
    """The sentence names the field, before anything is sent."""
    with pytest.raises(InputError) as caught:
        load_answer(model)
    assert said in str(caught.value)


class _Numbers(BaseModel):
    x: float
    many: list[float] = []
    free: Any = None


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"x":1e999}', "x: inf does not fit the type double"),
        ('{"x":%s}' % ("1" * 400), "x: inf does not fit the type double"),
        ('{"x":"-inf"}', "x: -inf does not fit the type double"),
        ('{"x":1,"many":[1,1e999]}', "many: [1.0, inf] does not fit the type json"),
        ('{"x":1,"many":[NaN]}', "many: [nan] does not fit the type json"),
        (
            '{"x":1,"free":{"a":[1e999]}}',
            "free: {'a': [inf]} does not fit the type json",
        ),
        ('{"x":%s}' % ("1" * 5000), "a number: Integer value out of range"),
    ],
)
def test_a_number_without_end_is_one_row(text: Any, said: str) -> None:
    """What neither a number's column nor JSON can hold makes its own row invalid."""
    results = [BatchResult("x", Outcome.SUCCEEDED, each) for each in (text, '{"x":1}')]
    rows, errors = load_answer(_Numbers).validate(results, get_format("openai"))
    assert rows == [None, {"x": 1.0, "many": [], "free": None}]
    assert errors[0].startswith(said)


class _Halved(BaseModel):
    n: Annotated[int, AfterValidator(lambda value: value / 2)]
    done: Annotated[bool, AfterValidator(lambda value: value or "no")] = True


def test_a_validator_may_change_the_type() -> None:
    """A value that its column cannot hold is an error of its row, and never cut."""
    rows, errors = _validate(_Halved, {"n": 2}, {"n": 1}, {"n": 2, "done": False})
    assert rows == [{"n": 1.0, "done": True}, None, None]
    assert errors == {
        1: "n: 0.5 does not fit the type int64",
        2: "done: 'no' does not fit the type bool",
    }


_PARTS: list[Callable[[str], dict[str, Any]]] = [
    lambda name: {"alias": name + "A"},
    lambda name: {"validation_alias": AliasChoices(name + "B", name)},
    lambda name: {"serialization_alias": name + "C"},
    lambda _: {"exclude": True},
    lambda _: {},
]
_KINDS: list[tuple[Any, st.SearchStrategy[Any]]] = [
    (int, st.integers(-(2**63), 2**63 - 1)),
    (SecretStr, st.text()),
    (Annotated[str, PlainSerializer(lambda _: "***")], st.text()),
    (list[_Camel], st.lists(st.builds(lambda n: {"dueDays": n}, st.integers(0, 9)))),
    (bool | None, st.none() | st.booleans()),
]


@given(data=st.data(), by_alias=st.booleans())
def test_whatever_a_class_is_made_of(data: st.DataObject, *, by_alias: bool) -> None:
    """An answer to the schema that is sent stands in the table as it was given."""
    chosen = data.draw(
        st.lists(
            st.tuples(st.sampled_from(_PARTS), st.sampled_from(_KINDS)), min_size=1
        )
    )
    fields = {
        f"f{n}": (kind, Field(**part(f"f{n}")))
        for n, (part, (kind, _)) in enumerate(chosen)
    }
    model = type(
        "Made",
        (BaseModel,),
        {
            "__annotations__": {name: kind for name, (kind, _) in fields.items()},
            "model_config": ConfigDict(serialize_by_alias=by_alias),
            **{name: field for name, (_, field) in fields.items()},
        },
    )
    names = source_schema(model)["properties"]
    values = [data.draw(values) for _, (_, values) in chosen]
    answer = dict(zip(names, values, strict=True))
    assert _validate(model, answer) == ([answer], {})
