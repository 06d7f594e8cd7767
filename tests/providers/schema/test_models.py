"""Each feature of a response model, alone and in pairs, there and back."""

# ruff: noqa: D101, D102 - a docstring here would become part of the schema

from __future__ import annotations

import json
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum, IntEnum
from ipaddress import IPv4Address
from typing import Annotated, Any, Generic, Literal, Optional, TypeVar
from uuid import UUID

import orjson
import pytest
from pydantic import (
    AnyUrl,
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    computed_field,
    create_model,
    field_validator,
)
from pydantic.alias_generators import to_camel
from typing_extensions import TypedDict

IN_WORDS = {
    "bytes_too_long",
    "decimal_max_digits",
    "decimal_parsing",
    "greater_than",
    "greater_than_equal",
    "less_than",
    "less_than_equal",
    "multiple_of",
    "string_pattern_mismatch",
    "string_too_long",
    "string_too_short",
    "too_long",
    "too_short",
    "url_parsing",
}


class Colour(Enum):
    """A colour."""

    RED = "red"
    GREEN = "green"


class Level(IntEnum):
    LOW = 1
    HIGH = 2


class Address(BaseModel):
    """Where someone lives."""

    street: str
    city: str = "Berlin"


class Movie(TypedDict, total=False):
    title: str
    year: int


T = TypeVar("T")


class Box(BaseModel, Generic[T]):
    content: T


class Aliased(BaseModel):
    full_name: str = Field(alias="fullName")
    home: Address = Field(alias="home-address")


class Camel(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True)

    first_name: str
    last_name: str | None = None


class Computed(BaseModel):
    """Computed fields are not asked for."""

    width: int
    height: int

    @computed_field
    @property
    def area(self) -> int:
        return self.width * self.height


class Validated(BaseModel):
    name: str

    @field_validator("name")
    @classmethod
    def strip(cls, value: str) -> str:
        return value.strip()


class Strict(BaseModel):
    model_config = ConfigDict(strict=True)

    number: int
    day: date


class Closed(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: str


class Open(BaseModel):
    model_config = ConfigDict(extra="allow")

    name: str


def one(annotation: Any, default: Any = ...) -> type[BaseModel]:
    """A model with a single field."""
    return create_model("One", field=(annotation, default))


EXPRESSIBLE: dict[str, type[BaseModel]] = {
    "scalars": create_model("Scalars", a=(str, ...), b=(int, ...), c=(float, ...)),
    "bool": one(bool),
    "null": one(None),
    "nested": one(Address),
    "nested-described": one(Annotated[Address, Field(description="The office.")]),
    "nested-twice": create_model("Twice", a=(Address, ...), b=(Address, ...)),
    "nested-default": one(Address, Address(street="Main")),
    "optional": one(Optional[int]),  # noqa: UP045 - as many still write it
    "optional-null": one(int | None, None),
    "optional-value": one(int | None, 5),
    "optional-nested": one(Address | None, None),
    "optional-described": one(
        Annotated[Address | None, Field(description="If known.")], None
    ),
    "default": one(str, "none"),
    "default-factory": one(list[str], Field(default_factory=list)),
    "literal": one(Literal["SPAM", "NOT_SPAM"]),
    "literal-one": one(Literal["SPAM"]),
    "literal-mixed": one(Literal["a", 1, True] | None),
    "literal-default": one(Literal["x", "y"], "x"),
    "enum": one(Colour),
    "enum-int": one(Level),
    "enum-list": one(list[Colour]),
    "enum-optional": one(Colour | None, None),
    "date": one(date),
    "datetime": one(datetime),
    "time": one(time),
    "timedelta": one(timedelta),
    "uuid": one(UUID),
    "ip": one(IPv4Address),
    "list": one(list[int]),
    "set": one(set[int]),
    "typed-dict": one(Movie),
    "alias": Aliased,
    "alias-generator": Camel,
    "computed": Computed,
    "validated": Validated,
    "strict": Strict,
    "extra-forbid": Closed,
    "extra-allow": Open,
    "empty": create_model("Empty"),
    "described": one(Annotated[str, Field(description="A word.", examples=["a"])]),
    "at-least-one": one(Annotated[list[int], Field(min_length=1)]),
    "many-optional": create_model(
        "Many", **{f"field_{at}": (str | None, None) for at in range(30)}
    ),
    "many-defaults": create_model(
        "Many", **{f"field_{at}": (int, at + 1) for at in range(60)}
    ),
}
"""Both providers hold an answer to all that these ask for."""

ONLY_IN_WORDS: dict[str, type[BaseModel]] = {
    "number-bounds": one(Annotated[int, Field(ge=3, lt=10)]),
    "float-bounds": one(Annotated[float, Field(gt=0, le=1)]),
    "multiple-of": one(Annotated[int, Field(multiple_of=7)]),
    "string-length": one(Annotated[str, Field(min_length=2, max_length=40)]),
    "pattern": one(Annotated[str, Field(pattern="^[a-z]{3}$")]),
    "list-bounds": one(Annotated[list[int], Field(min_length=2, max_length=3)]),
    "bounds-in-dict": one(dict[str, Annotated[int, Field(ge=3)]]),
    "bounds-optional": one(Annotated[int, Field(ge=3)] | None, None),
    "decimal": one(Decimal),  # Pydantic asks for a number or any text
    "decimal-bounds": one(Annotated[Decimal, Field(max_digits=5, ge=0)]),
    "set-bounds": one(Annotated[set[int], Field(min_length=2)]),
    "url": one(AnyUrl),
    "bytes": one(Annotated[bytes, Field(max_length=3)]),
}
"""Some of what these ask for stands in the description for one provider or both."""


@pytest.mark.parametrize("model", EXPRESSIBLE.values(), ids=EXPRESSIBLE)
def test_there_and_back(model: type[BaseModel], way: Any) -> None:
    """Whatever satisfies the converted schema satisfies the model once restored."""
    for answer in way.answers(model.model_json_schema()):
        model.model_validate_json(json.dumps(answer))


def test_through_a_batch(way: Any, send: Any) -> None:
    """A real batch of both modes brings an answer to each model."""
    asked = {
        f"{name}-{mode}": (model, mode)
        for name, model in EXPRESSIBLE.items()
        for mode in ("json_schema", "tools")
    }
    lines = [
        way.ask(model.model_json_schema(), name, mode)
        for name, (model, mode) in asked.items()
    ]
    answered = send(way.provider, lines)
    assert len(answered) == len(asked)
    for line in answered:
        model = asked[orjson.loads(line)["custom_id"]][0]
        _, answer = way.read(model.model_json_schema(), line)
        model.model_validate_json(json.dumps(answer))


@pytest.mark.parametrize("model", ONLY_IN_WORDS.values(), ids=ONLY_IN_WORDS)
def test_what_stands_in_words(model: type[BaseModel], way: Any) -> None:
    """A constraint that no decoder enforces is all that an answer can break."""
    for answer in way.answers(model.model_json_schema()):
        assert _broken(model, answer) <= IN_WORDS


def _broken(model: type[BaseModel], answer: Any) -> set[str]:
    try:
        model.model_validate_json(json.dumps(answer))
    except ValidationError as exc:
        return {error["type"] for error in exc.errors()}
    return set()
