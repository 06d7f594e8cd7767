"""Models with a shape of their own: unions, maps, tuples, roots, recursion."""

# ruff: noqa: D101 - a docstring here would become part of the schema

from __future__ import annotations

import json
from enum import Enum
from typing import Annotated, Any, Generic, Literal, NamedTuple, TypeVar

import orjson
import pytest
from pydantic import (
    BaseModel,
    Field,
    RootModel,
    create_model,
)

from batchwright.errors import SchemaError


class Colour(Enum):
    """A colour."""

    RED = "red"
    GREEN = "green"


class Address(BaseModel):
    """Where someone lives."""

    street: str
    city: str = "Berlin"


class Cat(BaseModel):
    kind: Literal["cat"]
    lives: int = 9


class Dog(BaseModel):
    kind: Literal["dog"]
    name: str | None = None


class Tree(BaseModel):
    value: int
    children: list[Tree] = []


class Person(BaseModel):
    name: str
    friend: Person | None = Field(None, description="The best friend.")


class Point(NamedTuple):
    x: int
    y: float


T = TypeVar("T")


class Box(BaseModel, Generic[T]):
    content: T


class Animals(RootModel[list[Cat | Dog]]):
    pass


class Scores(RootModel[dict[str, float]]):
    pass


def one(annotation: Any, default: Any = ...) -> type[BaseModel]:
    """A model with a single field."""
    return create_model("One", field=(annotation, default))


Pet = Annotated[Cat | Dog, Field(discriminator="kind")]

EXPRESSIBLE: dict[str, type[BaseModel]] = {
    "union": one(int | str),
    "union-objects": one(Cat | Dog),
    "union-list": one(list[int | str | None]),
    "discriminated": one(Pet),
    "discriminated-list": one(list[Pet]),
    "discriminated-optional": one(Pet | None, None),
    "list-nested": one(list[list[Address]]),
    "tuple": one(tuple[int, str]),
    "tuple-open": one(tuple[int, ...]),
    "tuple-optional": one(tuple[int, str] | None, None),
    "named-tuple": one(Point),
    "dict": one(dict[str, int]),
    "dict-nested": one(dict[str, Address]),
    "dict-of-dict": one(dict[str, dict[str, int]]),
    "dict-optional": one(dict[str, int] | None, None),
    "dict-default": one(dict[str, int], {"a": 1}),
    "dict-enum-keys": one(dict[Colour, int]),
    "dict-of-lists": one(dict[str, list[Address]]),
    "list-of-dict": one(list[dict[str, int]]),
    "generic": Box[Address],
    "generic-list": Box[list[int]],
    "root-list": Animals,
    "root-dict": Scores,
    "root-union": RootModel[Cat | Dog],
}
"""Both providers hold an answer to all that these ask for."""

INEXPRESSIBLE: dict[str, tuple[type[BaseModel], str]] = {
    "any": (one(Any), "Field `field` may hold any value"),
    "any-in-list": (one(list[Any]), "Field `field[]` may hold any value"),
    "bare-list": (one(list), "Field `field[]` may hold any value"),
    "bare-dict": (one(dict), "Field `field` is an object of any content"),
    "any-in-dict": (one(dict[str, Any]), "Field `field` is an object of any content"),
    "any-nested": (one(Box[Any]), "Field `field.content` may hold any value"),
}
"""Neither provider has a shape for these."""

RECURSIVE: dict[type[BaseModel], str] = {
    Tree: "Field `children[]` contains itself",
    Person: "Field `friend` contains itself",
    one(Tree): "Field `field.children[]` contains itself",
}
"""OpenAI takes these, Anthropic does not."""


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


@pytest.mark.parametrize(("model", "said"), INEXPRESSIBLE.values(), ids=INEXPRESSIBLE)
def test_refused(model: type[BaseModel], said: str, way: Any) -> None:
    """What has no shape is refused with the field's name and a way out."""
    with pytest.raises(SchemaError) as caught:
        way.convert(model.model_json_schema())
    assert str(caught.value).startswith(said)
    assert "give it a type" in str(caught.value)


@pytest.mark.parametrize("model", RECURSIVE, ids=lambda model: model.__name__)
def test_recursion_for_openai(model: type[BaseModel], way_of: Any) -> None:
    """OpenAI takes a model that contains itself."""
    for answer in way_of("openai").answers(model.model_json_schema()):
        model.model_validate_json(json.dumps(answer))


@pytest.mark.parametrize(("model", "said"), RECURSIVE.items(), ids=str)
def test_recursion_for_anthropic(
    model: type[BaseModel], said: str, way_of: Any
) -> None:
    """Anthropic takes a model that contains itself only as a tool, unenforced."""
    way, source = way_of("anthropic"), model.model_json_schema()
    with pytest.raises(SchemaError) as caught:
        way.convert(source)
    assert str(caught.value).startswith(said)
    assert "`--mode tools`" in str(caught.value)
    for answer in way.answers(source, "tools"):
        model.model_validate_json(json.dumps(answer))
