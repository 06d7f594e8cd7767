"""The account of a run: nothing paid for is left out."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from .card import card
from .result import Outcome

__all__ = ["Anomaly", "BatchLine", "ErrorGroup", "RunReport"]

_SHOWN_ERRORS = 5


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
    answered: int | None = None
    """How many of them, where the provider was just asked; None: it was not."""
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
    def headline(self) -> str:
        """How the run stands, in a few words."""
        if self.state == "open":
            over = sum(line.ended_at is not None for line in self.batches)
            return f"open: {over:,} of {len(self.batches):,} batches have ended"
        succeeded = self.outcomes.get(Outcome.SUCCEEDED, 0)
        counted = f"{succeeded:,} of {self.rows:,} rows succeeded"
        return counted if self.state == "done" else f"cancelled: {counted}"

    @property
    def ok(self) -> bool:
        """Whether the run is over and every row succeeded."""
        succeeded = self.outcomes.get(Outcome.SUCCEEDED, 0)
        return self.state != "open" and succeeded == self.rows

    @property
    def cost(self) -> str:
        """The cost in words."""
        if self.cost_usd is None:
            return "unknown"
        free = " (list price; the sandbox costs nothing)" if self.synthetic else ""
        return f"{self.cost_usd:,.4f} USD{free}"

    def as_html(self, *more: str) -> str:
        """Return the report in short, and further lines, as HTML for a notebook."""
        counts = " · ".join(f"{n:,} {name}" for name, n in self.outcomes.items() if n)
        lines = [
            f"{self.provider} · {self.model} · batches: {len(self.batches):,}",
            f"Rows: {self.rows:,}{' · ' if counts else ''}{counts}",
            f"{self.input_tokens:,} tokens in, {self.output_tokens:,} out",
            f"Cost: {self.cost}",
        ]
        if self.synthetic:
            lines.append("The answers are synthetic: the sandbox made them up.")
        lines += [
            f"{group.count:,} {group.outcome}: {group.error} ({group.example})"
            for group in self.errors[:_SHOWN_ERRORS]
        ]
        name = self.run_dir.rstrip("/").rpartition("/")[2]
        shares = {str(name): count for name, count in self.outcomes.items()}
        return card(f"{name}: {self.state}", shares, self.rows, [*lines, *more])

    def _repr_html_(self) -> str:
        return self.as_html()
