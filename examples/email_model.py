"""The response model of the first example."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, Field


class Classification(BaseModel):
    """What kind of email it is."""

    label: Literal["SPAM", "NOT_SPAM"] = Field(description="Whether it is spam")
    confidence: float = Field(ge=0, le=1, description="How sure, from 0 to 1")
    reason: str = Field(description="One short sentence")
