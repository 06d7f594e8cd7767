"""The response models that the sides use; they need Pydantic only."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, Field

__all__ = ["PROMPT", "Company", "Ticket"]

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
