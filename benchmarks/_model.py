"""The response models that the sides use; they need Pydantic only."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Literal

from pydantic import BaseModel, Field

__all__ = ["PROMPT", "Claim", "Company", "Ticket"]

PROMPT = "Read this message from a customer and fill in the ticket: {{ text }}"


class Company(BaseModel):
    """Who writes."""

    name: str = Field(description="As the customer writes it")
    country: str | None = Field(description="Its country as two letters, if known")
    employees: int | None = Field(description="If the message says how many")


class Ticket(BaseModel):
    """What a message from a customer is about."""

    category: Literal["billing", "bug", "question", "praise"] = Field(
        description="What kind of message it is; a question about an invoice is billing"
    )
    urgency: int = Field(description="From 1, can wait, to 5, at once")
    summary: str = Field(description="One short sentence in English, without greetings")
    language: str = Field(description="Two letters")
    sentiment: float = Field(description="From -1 to 1")
    tags: list[str] = Field(description="English words to find the ticket by")
    escalate: bool = Field(description="Whether a person must look at it today")
    company: Company


class Currency(StrEnum):
    """Currencies that claims are paid in."""

    EUR = "EUR"
    USD = "USD"
    JPY = "JPY"


class Item(BaseModel):
    """One position of an invoice."""

    description: str = Field(description="As it is printed on the invoice")
    quantity: int = Field(ge=1)
    price: Decimal = Field(description="Of one piece, without tax", ge=0)
    tax_rate: float | None = Field(description="From 0 to 1", ge=0, le=1)


class Person(BaseModel):
    """A person who is named in the message."""

    name: str
    role: Literal["customer", "employee", "witness", "other"]
    email: str | None
    born: date | None


class Claim(BaseModel):
    """A rich model: nested lists, enums, dates, decimals and unions."""

    title: str = Field(description="One line in English", max_length=200)
    kind: Literal["refund", "repair", "complaint", "fraud"]
    currency: Currency = Field(description="Of all amounts")
    total: Decimal = Field(ge=0)
    happened: date = Field(description="The day that the claim is about")
    items: list[Item] = Field(description="All positions, in their order")
    people: list[Person]
    company: Company | None
    order: int | str | None = Field(description="The number, with letters as text")
    quotes: list[str] = Field(description="Sentences that prove the claim")
    confidence: float = Field(ge=0, le=1)
    is_urgent: bool
