"""The attempts of one request file, as records in a folder.

`NNN.intent.json` claims, `NNN.batch.json` names the batch, and `NNN.ended.json` says
that its results are on disk. A claim without a batch is a lost creation: nobody
knows whether a batch exists until `reconcile` has found out.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TypeVar

from pydantic import BaseModel

from ...errors import RunBusyError
from ...models import Batch, Intent
from .reading import damaged, read_record
from .records import Absence, Created, Ended, Verdict
from .storage import Directory

__all__ = ["INDEX", "Attempt", "Attempts", "Records", "by_folder"]

INDEX = ".index.arrow"
"""The end of the name of an index of answers, which other runs look into."""

Record = TypeVar("Record", bound=BaseModel)


class Records:
    """Reads records and remembers them, since they never change."""

    def __init__(self, directory: Directory) -> None:
        self.directory = directory
        self._seen: dict[str, BaseModel] = {}

    def read(self, name: str, kind: type[Record]) -> Record:
        """Return a record that is known to exist."""
        record = self._seen.get(name)
        if not isinstance(record, kind):
            record = self._seen[name] = read_record(self.directory, name, kind)
        return record


@dataclass(slots=True)
class Attempt:
    """One try to create a batch."""

    number: int
    intent: Intent
    batch: Created | None = None
    ended: Ended | None = None
    absence: Absence | None = None
    """What the provider did not show; None where it showed all, or nobody looked."""

    @property
    def verdict(self) -> Verdict | None:
        """Why it is over; None while it is not."""
        return self.ended.verdict if self.ended else None

    @property
    def is_lost(self) -> bool:
        """Whether a batch may exist that is on no record.

        Also where the batch that was taken for it proved to be another client's.
        """
        if self.ended is not None:
            return self.verdict is Verdict.NOT_OURS
        return self.batch is None and not self.intent.realtime

    @property
    def is_surplus(self) -> bool:
        """Whether its batch came when another process had given the claim up."""
        return self.batch is not None and self.verdict is Verdict.NOT_CREATED

    @property
    def is_asking(self) -> bool:
        """Whether its requests are asked in realtime, and some have no answer yet."""
        return self.intent.realtime and self.ended is None

    @property
    def is_open(self) -> bool:
        """Whether its batch still runs, or has results that are not downloaded."""
        return self.batch is not None and self.ended is None

    @property
    def created_at(self) -> datetime:
        """When its batch was created, or else claimed."""
        return (self.batch and self.batch.created_at) or self.intent.claimed_at


@dataclass(slots=True)
class Attempts:
    """All attempts of one request file, oldest first."""

    directory: Directory
    """The run's folder, or the one beside a single request file."""
    prefix: str
    """Folder of the records within it, with its final `/`."""
    all: list[Attempt] = field(default_factory=list)

    @classmethod
    def read(cls, records: Records, prefix: str, names: Iterable[str]) -> Attempts:
        """Build from the records; `names` are the files that exist under `prefix`."""
        attempts = cls(records.directory, prefix)
        present = set(names)
        for name in present:
            digits, _, _ = name.removeprefix(prefix).partition(".")
            claim = f"{prefix}{digits}.intent.json"
            if digits.isdecimal() and claim not in present:
                raise damaged(records.directory, claim, "it is missing")
        for number in sorted(
            int(name.removeprefix(prefix).removesuffix(".intent.json"))
            for name in present
            if name.endswith(".intent.json")
        ):
            intent = records.read(attempts.name(number, "intent"), Intent)
            attempt = Attempt(number, intent)
            if (batch := attempts.name(number, "batch")) in present:
                attempt.batch = records.read(batch, Created)
            if (ended := attempts.name(number, "ended")) in present:
                attempt.ended = records.read(ended, Ended)
            elif attempts.name(number, "absent") in present:
                absent = attempts.name(number, "absent")
                attempt.absence = read_record(records.directory, absent, Absence)
            attempts.all.append(attempt)
        return attempts

    def name(self, number: int, kind: str) -> str:
        """Return a record's name: `intent`, `batch` or `ended`."""
        return f"{self.prefix}{number:03}.{kind}.json"

    @property
    def last(self) -> Attempt | None:
        """The newest attempt."""
        return self.all[-1] if self.all else None

    @property
    def next_number(self) -> int:
        """The number of the next attempt."""
        return self.last.number + 1 if self.last else 0

    @property
    def batch_ids(self) -> set[str]:
        """Every batch on record, those that proved to be another client's too."""
        return {attempt.batch.id for attempt in self.all if attempt.batch}

    @property
    def own_batch_ids(self) -> set[str]:
        """Every batch on record, without those that proved to be another client's."""
        return {
            attempt.batch.id
            for attempt in self.all
            if attempt.batch and attempt.verdict is not Verdict.NOT_OURS
        }

    def uploaded(self, digest: str) -> str | None:
        """Return the newest upload of a request file with this content."""
        for attempt in reversed(self.all):
            if attempt.intent.digest == digest:
                return attempt.intent.input_file_id
        return None

    def claim(self, intent: Intent) -> Attempt:
        """Write down that a batch is about to be created.

        Raises:
            RunBusyError: Another process claimed this attempt.
        """
        number = self.next_number
        data = intent.model_dump_json(indent=1).encode()
        try:
            self.directory.write_once(self.name(number, "intent"), data)
        except FileExistsError as exc:
            raise RunBusyError(
                f"Another process is just creating the batch of {self.directory.url}/"
                f"{self.prefix}; nothing was sent from here."
            ) from exc
        attempt = Attempt(number, intent)
        self.all.append(attempt)
        return attempt

    def record(
        self, attempt: Attempt, batch: Batch, *, provisional: bool = False
    ) -> None:
        """Write down the batch's ID, before anything else is done.

        Raises:
            RunBusyError: Another process found another batch for this claim.
        """
        created = Created(**dict(batch), provisional=provisional)
        recorded = self._write_or_read(attempt.number, "batch", created)
        if recorded.id != batch.id:
            raise RunBusyError(
                f"Another process took batch {recorded.id} for the claim of"
                f" {self.directory.url}/{self.prefix}, but here it is {batch.id};"
                " resume the run, and the results will decide."
            )
        attempt.batch = recorded

    def confirm(self, attempt: Attempt) -> None:
        """Write down that the batch that was taken provisionally is ours."""
        if attempt.batch is not None:
            attempt.batch = attempt.batch.model_copy(update={"provisional": False})
            data = attempt.batch.model_dump_json(indent=1).encode()
            self.directory.write(self.name(attempt.number, "batch"), data)

    def note_absence(self, attempt: Attempt, absence: Absence) -> None:
        """Write down what the provider does not show, in place of the earlier look."""
        data = absence.model_dump_json(indent=1).encode()
        self.directory.write(self.name(attempt.number, "absent"), data)
        attempt.absence = absence

    def reopen(self, attempt: Attempt) -> None:
        """Forget that the attempt's results are gone, so that they are looked for."""
        self.directory.remove(self.name(attempt.number, "absent"))
        self.directory.remove(self.name(attempt.number, "ended"))
        self.directory.remove(self.index_name(attempt))

    def index_name(self, attempt: Attempt) -> str:
        """Return the name of the index of the attempt's answers."""
        return f"{self.prefix}{attempt.number:03}{INDEX}"

    def close(self, attempt: Attempt, ended: Ended) -> None:
        """Write down that the attempt is over; the first record of that counts."""
        attempt.ended = self._write_or_read(attempt.number, "ended", ended)

    def is_closed(self, attempt: Attempt) -> bool:
        """Whether this or another process has written down that it is over."""
        return self.directory.exists(self.name(attempt.number, "ended"))

    def close_unsent(self, attempt: Attempt, text: str) -> None:
        """Write down that the attempt made no batch."""
        self.close(
            attempt,
            Ended(verdict=Verdict.NOT_CREATED, at=datetime.now(UTC), text=text),
        )

    def close_parked(self, attempt: Attempt, text: str) -> None:
        """Write down that the provider had no capacity for a batch."""
        self.close(
            attempt, Ended(verdict=Verdict.PARKED, at=datetime.now(UTC), text=text)
        )

    def _write_or_read(self, number: int, kind: str, record: Record) -> Record:
        """Write the record; return it, or the one that is there already.

        On shared storage another process may have been faster, or the store's client
        may have repeated our own write after its answer was lost.
        """
        name = self.name(number, kind)
        try:
            self.directory.write_once(name, record.model_dump_json(indent=1).encode())
        except FileExistsError:
            return Records(self.directory).read(name, type(record))
        return record


def by_folder(names: Iterable[str]) -> dict[str, list[str]]:
    """Group the files of attempts by their folder."""
    grouped: dict[str, list[str]] = {}
    for name in names:
        folder, _, _ = name.rpartition("/")
        if folder.endswith("/attempts"):
            grouped.setdefault(folder + "/", []).append(name)
    return grouped
