"""Classes that do more than hold their fields, and so make instances."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from enum import Enum, StrEnum
from typing import Any

import pytest
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    PrivateAttr,
    RootModel,
    TypeAdapter,
    computed_field,
    field_serializer,
    field_validator,
    model_serializer,
    model_validator,
)

from batchwright.data.answers.dict_validator import dict_validator


class _Color(StrEnum):
    RED = "red"


class _Inner(BaseModel):
    n: int


class _Other(BaseModel):
    s: str


class _Validated(BaseModel):
    s: str

    @field_validator("s")
    @classmethod
    def _upper(cls, value: str) -> str:
        return value.upper()


class _Checked(BaseModel):
    s: str

    @model_validator(mode="after")
    def _same(self) -> _Checked:
        return self


class _Prepared(BaseModel):
    s: str

    @model_validator(mode="before")
    @classmethod
    def _same(cls, value: Any) -> Any:
        return value


class _Serialized(BaseModel):
    s: str

    @field_serializer("s")
    def _upper(self, value: str) -> str:
        return value.upper()


class _Flat(BaseModel):
    s: str

    @model_serializer
    def _whole(self) -> str:
        return self.s


class _Computed(BaseModel):
    s: str

    @computed_field
    def length(self) -> int:
        return len(self.s)


class _Started(BaseModel):
    s: str
    _seen: int = PrivateAttr(default=0)

    def model_post_init(self, _context: Any) -> None:
        self.s = self.s.upper()


class _Made(BaseModel):
    s: str

    def __init__(self, **values: Any) -> None:
        super().__init__(**values)
        self.s = self.s.upper()


class _Aliased(BaseModel):
    s: str = Field(alias="t")


class _Hidden(BaseModel):
    s: str
    n: int = Field(default=1, exclude=True)


class _Open(BaseModel):
    model_config = ConfigDict(extra="allow")

    s: str


class _Numbers(BaseModel):
    model_config = ConfigDict(coerce_numbers_to_str=True)

    s: str


class _Values(BaseModel):
    model_config = ConfigDict(use_enum_values=True, validate_default=True)

    color: _Color = _Color.RED


class _Dated(BaseModel):
    day: date


class _Priced(BaseModel):
    price: Decimal


class _Either(BaseModel):
    either: _Inner | _Other


class _Anything(BaseModel):
    value: Any


class _Mapping(BaseModel):
    scores: dict[str, int]


class _Unwritten(BaseModel):
    s: str = object()  # type: ignore[assignment]


class _Holds(BaseModel):
    inner: _Validated


class _Whole(RootModel[list[int]]):
    pass


class _DateEnum(Enum):
    DAY = date(2026, 11, 23)


class _OnDay(BaseModel):
    day: _DateEnum


@pytest.mark.parametrize(
    "model",
    [
        _Aliased,
        _Anything,
        _Checked,
        _Computed,
        _Dated,
        _Either,
        _Flat,
        _Hidden,
        _Holds,
        _Made,
        _Mapping,
        _Numbers,
        _OnDay,
        _Open,
        _Prepared,
        _Priced,
        _Serialized,
        _Started,
        _Unwritten,
        _Validated,
        _Values,
        _Whole,
    ],
)
def test_a_class_that_does_more_makes_instances(model: type[BaseModel]) -> None:
    """Only its instances know what it dumps."""
    assert dict_validator(TypeAdapter(model).core_schema) is None
