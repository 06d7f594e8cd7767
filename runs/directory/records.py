"""What a run writes down; each record is written once and never changed."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from datetime import UTC, datetime
from enum import StrEnum

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from ...data.resolve import ResolvedJob
from ...data.rows.block import Place
from ...models import Batch, Outcome

__all__ = [
    "NO_CAPACITY",
    "Absence",
    "CanaryCount",
    "Created",
    "Deadline",
    "Ended",
    "InputShardPlan",
    "Plan",
    "Resend",
    "Retry",
    "RoundPlan",
    "ShardPlan",
    "Verdict",
]


class _Record(BaseModel):
    model_config = ConfigDict(
        frozen=True, validate_by_name=True, serialize_by_alias=True
    )


class ShardPlan(_Record):
    """One request file, so one batch at a time."""

    path: str
    """Its folder in the run: `shards/00000` or `rounds/1/00000`."""
    requests: int
    bytes: int
    digest: str
    """SHA-256 of the request file, hex."""

    @property
    def round(self) -> int:
        """The number of its round; 0 for the first sending."""
        folder, _, _ = self.path.rpartition("/")
        return int(folder.partition("/")[2] or 0)

    @property
    def is_dealt_out(self) -> bool:
        """Whether its results are for rows of any shard."""
        return True

    def owns(self, row: int, round_: int) -> bool:
        """Whether a result with these numbers may answer a request of this file."""
        del row  # a round has rows of any shard
        return round_ == self.round


class InputShardPlan(ShardPlan):
    """A contiguous slice of the input's rows; its requests are the first round.

    With `reuse` they are the requests of any rows, and there may be none.
    """

    first_row: int
    rows_name: str
    """`rows.parquet` or `rows.jsonl`, in the same folder."""
    rows_digest: str | None = None
    """Its SHA-256, hex; None in plans of version 0.1."""
    columns: dict[str, str] = {}
    """Name and kind of each key in the shard's rows, where rows have no header."""
    places: tuple[Place, ...] = ()
    """Where rows of this shard, and perhaps some of the next, are in the input."""
    empty: dict[str, int] | None = None
    """Rows with an empty value, by column that the prompt uses; None: not counted."""
    kept_rows: int | None = None
    """How many rows it has; None without `reuse`: as many as requests."""
    sends: tuple[int, int] | None = None
    """With `reuse`: its requests are of rows from the first number up to the second."""
    taken_digest: str | None = None
    """SHA-256, hex, of the answers to its rows that were taken over; None: none were"""

    @property
    def rows(self) -> int:
        """How many rows it has."""
        return self.requests if self.kept_rows is None else self.kept_rows

    @property
    def sent_rows(self) -> range:
        """Rows among which are those whose requests it has."""
        return range(*(self.sends or (self.first_row, self.first_row + self.rows)))

    @property
    def is_dealt_out(self) -> bool:
        """Whether its results are for rows of any shard."""
        return self.sends is not None

    def owns(self, row: int, round_: int) -> bool:
        """Whether it sends the request of the row, and the round is the first."""
        return round_ == 0 and row in self.sent_rows


class Plan(_Record):
    """`plan.json`: once it exists, the input is never read again."""

    nonce: str
    rows: int
    shards: tuple[InputShardPlan, ...]
    created_at: datetime
    seconds: float
    """How long generation took."""
    input_bytes: int | None = None
    """Size of the input as it was read; None in plans of version 0.1."""
    input_digest: str | None = None
    """Its SHA-256, hex; None for an input behind a URL."""
    nonce_stamp: str | None = None
    """When the file `nonce` got its name, as the file system says. A copy of it has
    another time. None in plans of version 0.1."""
    shared_digest: str | None = None
    """SHA-256, hex, of the file `shared`; None where no rows share a request."""

    @property
    def senders(self) -> tuple[InputShardPlan, ...]:
        """The shards that have requests."""
        return tuple(shard for shard in self.shards if shard.requests)

    @property
    def empty_values(self) -> dict[str, int] | None:
        """Rows with an empty value, by column of the prompt; None: not counted."""
        total: Counter[str] = Counter()
        for shard in self.shards:
            if shard.empty is None:
                return None
            total.update(shard.empty)
        return dict(total)

    def place(self, row: int) -> str | None:
        """Return where a 0-based row is in the input, as a person counts it there."""
        places = [place for shard in self.shards for place in shard.places]
        index = bisect_right(places, row, key=lambda place: place.first_row) - 1
        return places[index].of(row) if index >= 0 else None

    def sender_of(self, row: int) -> InputShardPlan:
        """Return the shard that sends the request of a row."""
        senders = self.senders
        return senders[bisect_right(senders, row, key=lambda s: s.sent_rows.start) - 1]

    @property
    def first_rows(self) -> list[int]:
        """The first row of each shard."""
        return [shard.first_row for shard in self.shards]


class Retry(_Record):
    """What opened a finished run again, in the plan of the round that it began."""

    outcomes: tuple[Outcome, ...] = ()
    """Of the rows that are asked again; none: all without a valid answer."""
    job: ResolvedJob
    """The job from this round on, with what the retry changed."""
    flow_run: str | None = None
    """The deployed flow run that asked for it; its own retries ask for no other."""


class RoundPlan(_Record):
    """`rounds/N/plan.json`; without shards it says that no round is needed."""

    number: int
    shards: tuple[ShardPlan, ...] = Field(
        validation_alias="units", serialization_alias="units"
    )
    created_at: datetime
    resent: tuple[str, ...] = ()
    """Shards whose results are gone; this round sends their requests again."""
    canary: bool = False
    """Whether it has rows of the canary alone, before other rows are sent."""
    retry: Retry | None = None
    """Set where it began when the run was done; nothing older is sent from then on."""


class CanaryCount(_Record):
    """`canary.json`: how the rows of the canary were answered."""

    rows: int
    succeeded: int
    errors: tuple[tuple[str, int], ...]
    """The most frequent ones, and how often they came."""
    rounds: int = 0
    """Further rounds that are counted too."""


class Resend(_Record):
    """`resend-lost.json`: the round that sends again what has lost its results."""

    round: int


NO_CAPACITY = "token_limit_exceeded"
"""The code of a refusal that is over when other batches end."""


class Verdict(StrEnum):
    """Why an attempt is over. The values are stored, so they never change."""

    DOWNLOADED = "landed"
    """Its results are in `NNN.output.jsonl`."""
    FAILED = "failed"
    """The provider refused the input; nothing ran, and no attempt follows."""
    PARKED = "parked"
    """The provider had no capacity; nothing ran, and another attempt follows."""
    NOT_CREATED = "not_created"
    """The create call made no batch; another attempt follows."""
    NOT_OURS = "foreign"
    """Another client created the batch that was taken for this attempt's."""
    PARTLY_GONE = "partly_gone"
    """Some of its results are in `NNN.output.jsonl`; the provider lost the others."""
    GONE = "gone"
    """It ran and was paid for, but the provider no longer has the results."""

    @property
    def has_results(self) -> bool:
        """Whether result lines of the attempt are on disk."""
        return self in {Verdict.DOWNLOADED, Verdict.PARTLY_GONE}

    @property
    def has_lost_results(self) -> bool:
        """Whether the provider lost results that were paid for."""
        return self in {Verdict.GONE, Verdict.PARTLY_GONE}


class Deadline(_Record):
    """`deadline.json`: from then on nothing is sent in a batch."""

    at: AwareDatetime


class Absence(_Record):
    """`NNN.absent.json`: the provider shows no results, though there must be some.

    Replaced after each status check: what is absent now may be there later.
    """

    first_at: datetime
    last_at: datetime
    next_at: datetime
    """When to look again."""
    looks: int
    text: str
    """What the provider said."""


class Created(Batch):
    """`NNN.batch.json`: the attempt's batch, as it was right after creation."""

    provisional: bool = False
    """Whether it was found without a token, so that only its results can prove it."""


class Ended(_Record):
    """`NNN.ended.json`: all that the attempt gave is on disk."""

    verdict: Verdict
    batch: Batch | None = None
    at: datetime
    lines: int = 0
    again: int = 0
    """Requests that did not succeed and may succeed in another round."""
    digests: dict[str, str | None] = {}
    """SHA-256, hex, of each file of result lines; none in records of version 0.1."""
    outcomes: dict[Outcome, int] = {}
    """Result lines by outcome, before the response model checked any answer."""
    input_tokens: int = 0
    output_tokens: int = 0
    cost_usd: float | None = 0.0
    """What the batch cost; None where a price or usage is unknown."""
    in_flight: int = 0
    """Other batches of the run that were open at that time."""
    token_limit: int | None = None
    """Tokens that may be enqueued for the model, if the refusal named the limit."""
    text: str | None = None
    """The provider's explanation where the verdict is not `landed`."""
    cut: bool = False
    """Whether its deadline had passed, so that cancelled requests are asked again."""
    unanswered: dict[int, str] = {}
    """Rows that were asked in realtime without an answer, each with the last error."""

    @classmethod
    def as_not_ours(cls, batch_id: str) -> Ended:
        """Return how an attempt ends whose batch proved to be another client's."""
        text = f"The results of {batch_id} answer other requests than ours."
        return cls(verdict=Verdict.NOT_OURS, at=datetime.now(UTC), text=text)
