"""The account of a run: nothing paid for is left out."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from .result import Outcome

__all__ = ["Anomaly", "BatchLine", "ErrorGroup", "RunReport"]


class Anomaly(BaseModel):
    """Result lines that fit no request, or requests without a line."""

    model_config = ConfigDict(frozen=True)

    count: int = 0
    first_ids: tuple[str, ...] = ()
    """The first 20 `custom_id`s."""


class ErrorGroup(BaseModel):
    """Rows that did not succeed for the same reason."""

    model_config = ConfigDict(frozen=True)

    outcome: Outcome
    error: str
    count: int
    example_row: int
    """0-based row of the input."""
    example_place: str | None = None
    """Where this row is, as a person counts rows; None in reports of version 0.1."""

    @property
    def example(self) -> str:
        """The example row, for a message."""
        return self.example_place or f"row {self.example_row + 1}, counted from 1"


class BatchLine(BaseModel):
    """One batch of the run, and how it ended."""

    model_config = ConfigDict(
        frozen=True, validate_by_name=True, serialize_by_alias=True
    )

    shard: str = Field(validation_alias="unit", serialization_alias="unit")
    attempt: int
    """Counted from 0, as the files of the run are; a person reads it from 1."""
    batch_id: str | None
    provider_status: str
    requests: int
    created_at: datetime | None = None
    ended_at: datetime | None = None


class RunReport(BaseModel):
    """What a run did, stored as `report.json` in its directory."""

    model_config = ConfigDict(frozen=True)

    run_dir: str
    state: Literal["open", "done", "cancelled"]
    provider: str
    model: str
    synthetic: bool
    """True when the sandbox answered: the answers mean nothing."""
    output: str | None
    rows: int
    outcomes: dict[Outcome, int]
    batches: tuple[BatchLine, ...]
    rounds: int
    """Further rounds that were sent after the first."""
    input_tokens: int
    output_tokens: int
    cache_read_tokens: int
    cache_write_tokens: int
    cost_usd: float | None
    """None: unknown, because the model has no known price or usage is missing."""
    reused: int = 0
    """Rows with the answer to another request than their own, in a run with `reuse`."""
    saved_usd: float | None = 0.0
    """What these rows would have cost; None: unknown."""
    empty_values: dict[str, int] | None = None
    """Rows with an empty value (null, no text, or white space), by column that the
    prompt uses; None where they were not counted."""
    errors: tuple[ErrorGroup, ...] = ()
    missing: Anomaly = Anomaly()
    duplicate: Anomaly = Anomaly()
    foreign: Anomaly = Anomaly()
    started_at: datetime
    ended_at: datetime | None
    seconds: dict[str, float] = {}
    """Where the time went, as far as it has come.

    `generate`: reading the rows and writing request files. `batches`: from the first
    creation until the last results were here. `write`: from then to the output.
    """

    @property
    def ok(self) -> bool:
        """Whether the run is over and every row succeeded."""
        succeeded = self.outcomes.get(Outcome.SUCCEEDED, 0)
        return self.state != "open" and succeeded == self.rows
