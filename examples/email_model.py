"""What the example asks for about each email."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, Field


class Classification(BaseModel):
    """Whether an email is spam, and why."""

    label: Literal["SPAM", "NOT_SPAM"] = Field(
        description="SPAM for fraud and unwanted advertising"
    )
    reason: str = Field(description="One short sentence")
