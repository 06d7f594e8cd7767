"""The attempts of one request file, as records in a folder.

`NNN.intent.json` claims, `NNN.batch.json` names the batch, `NNN.ended.json` says
that all it gave has landed. Where the second is absent after the first, nobody
knows yet whether a batch exists: `reconcile` finds out.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeVar

from pydantic import BaseModel

from ...errors import RunBusyError
from ...models import Batch, Intent
from .records import Created, Ended, Verdict
from .storage import Directory

__all__ = ["Attempt", "Attempts", "Records"]

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
            data = self.directory.read(name)
            if data is None:
                raise FileNotFoundError(f"{self.directory.url}/{name}")
            record = kind.model_validate_json(data)
            self._seen[name] = record
        return record


@dataclass(slots=True)
class Attempt:
    """One try to create a batch."""

    number: int
    intent: Intent
    batch: Created | None = None
    ended: Ended | None = None

    @property
    def is_lost(self) -> bool:
        """Whether a batch may exist that is on no record.

        Also where the one that was taken for it proved to be somebody else's.
        """
        if self.ended is not None:
            return self.ended.verdict is Verdict.FOREIGN
        return self.batch is None

    @property
    def is_provisional(self) -> bool:
        """Whether its batch may prove to be somebody else's."""
        return self.batch is not None and self.batch.provisional

    @property
    def is_open(self) -> bool:
        """Whether its batch still runs, or has results that are not landed."""
        return self.batch is not None and self.ended is None


@dataclass(slots=True)
class Attempts:
    """All attempts of one request file, oldest first."""

    directory: Directory
    """The run's folder, or the one beside a single request file."""
    prefix: str
    """Folder of the records within it, with its final `/`."""
    all: list[Attempt] = field(default_factory=list)

    @classmethod
    def read(cls, records: Records, prefix: str, names: list[str]) -> Attempts:
        """Build from the records; `names` are the files that stand under `prefix`."""
        attempts = cls(records.directory, prefix)
        present = set(names)
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
    def settled(self) -> bool:
        """Whether no further attempt of this file is wanted."""
        return self.last is not None and (
            self.last.ended is not None
            and self.last.ended.verdict
            in {Verdict.LANDED, Verdict.FAILED, Verdict.GONE}
        )

    @property
    def foreign_ids(self) -> set[str]:
        """Batches that were taken for ours and proved not to be."""
        return {
            attempt.batch.id
            for attempt in self.all
            if attempt.batch
            and attempt.ended
            and attempt.ended.verdict is Verdict.FOREIGN
        }

    @property
    def batch_ids(self) -> set[str]:
        """Every batch on record."""
        return {attempt.batch.id for attempt in self.all if attempt.batch}

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
        number = self.last.number + 1 if self.last else 0
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
        standing = self._stand(attempt.number, "batch", created)
        if standing.id != batch.id:
            raise RunBusyError(
                f"Another process took batch {standing.id} for the claim of"
                f" {self.directory.url}/{self.prefix}, but here it is {batch.id};"
                " resume the run, and the results will decide."
            )
        attempt.batch = standing

    def close(self, attempt: Attempt, ended: Ended) -> None:
        """Write down that the attempt is over; the first record of that stands."""
        attempt.ended = self._stand(attempt.number, "ended", ended)

    def _stand(self, number: int, kind: str, record: Record) -> Record:
        """Write the record, and return it or the one that stands there already.

        On shared storage another process may have been faster, or our own write
        was repeated by the store's client after its answer was lost.
        """
        name = self.name(number, kind)
        try:
            self.directory.write_once(name, record.model_dump_json(indent=1).encode())
        except FileExistsError:
            return Records(self.directory).read(name, type(record))
        return record
