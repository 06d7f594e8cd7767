"""A response model with what Pydantic converts: enums, dates, nested lists."""

from __future__ import annotations

from datetime import date, datetime
from enum import Enum

from pydantic import BaseModel, Field

__all__ = ["Claim"]


class Severity(str, Enum):  # noqa: UP042 - as most write it
    """How bad it is."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"


class Person(BaseModel):
    """Who is part of it."""

    name: str
    born: date | None = None
    languages: list[str] | None = None


class Item(BaseModel):
    """What was damaged."""

    label: str
    severity: Severity
    price: float = Field(ge=0)
    bought: date | None = None


class Claim(BaseModel):
    """An insurance claim."""

    title: str
    severity: Severity
    reported_at: datetime
    incident: date
    claimant: Person
    witnesses: list[Person] | None = None
    items: list[Item]
    notes: dict[str, str] = {}
