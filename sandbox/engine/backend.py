"""The state of one sandbox, shared by all routes."""

from __future__ import annotations

import hashlib
import math
import secrets
import threading
from collections import Counter, deque
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TypeVar

import orjson

from ...errors import InputError, is_disk_full
from ..answers.answer import AnswerSource
from ..faults import AnswerFault, BatchFault, CallFault, Faults, When
from .clock import Clock
from .produce import Format
from .store import BatchRow, Store
from .timeline import Moment, Plan, moment_at
from .worker import Worker

__all__ = ["Backend", "Call", "CreatedBatch"]

_MAX_CALLS = 10_000
_Rule = TypeVar("_Rule", bound=When)


@dataclass(frozen=True)
class Call:
    """One HTTP call that arrived; without its key."""

    provider: str
    operation: str
    method: str
    path: str
    query: str
    account: str | None
    headers: Mapping[str, str]
    fault: str | None
    """The fault that was applied to it."""


@dataclass(frozen=True)
class CreatedBatch:
    """One batch that was created here, in any account."""

    id: str
    provider: str
    account: str
    """A hash of the key; the same key is the same account."""
    created_at: float
    """Virtual seconds since the epoch."""
    status: str
    """OpenAI's word, also for Anthropic's batches."""
    requests: int
    first_custom_id: str | None
    metadata: Mapping[str, str]


class Backend:
    """Store, clock, worker, faults and the log of calls."""

    def __init__(
        self,
        folder: Path,
        faults: Faults,
        time_scale: float,
        formats: Mapping[str, Format],
        source: AnswerSource,
    ) -> None:
        self._formats = formats
        self.source = source
        self._lock = threading.Lock()
        self._seen: Counter[tuple[object, ...]] = Counter()
        self.set_faults(faults)
        self.store = Store(folder)
        try:
            self._salt = self.store.salt()
        except OSError:
            self.store.close()
            raise
        self.clock = Clock(time_scale, float(self.store.meta("clock_offset", 0.0)))
        self.file_looks: Counter[str] = Counter()
        self.calls: deque[Call] = deque(maxlen=_MAX_CALLS)
        self.worker = Worker(
            self.store, self.clock, lambda: self.faults, formats, source
        )
        self.worker.resume()

    def close(self) -> None:
        """Stop the work; the next start continues it."""
        self.worker.stop()
        try:
            self.save_clock()
        except OSError as exc:  # on a full disk, the clock only lags behind
            if not is_disk_full(exc):
                raise
        finally:
            self.store.close()

    def save_clock(self) -> None:
        """Store how far the clock is ahead."""
        self.store.set_meta("clock_offset", self.clock.offset)

    def set_faults(self, faults: Faults) -> None:
        """Change the faults and count from 1 again; batches keep their own.

        Raises:
            InputError: A fault names a provider that the sandbox does not serve.
        """
        rules: list[CallFault | BatchFault] = [*faults.calls, *faults.batches]
        for rule in rules:
            if rule.provider not in {None, *self._formats}:
                raise InputError(
                    f"The faults name the provider {rule.provider!r}; the sandbox"
                    f" serves {', '.join(self._formats)}."
                )
        with self._lock:
            self.faults = faults
            self._seen.clear()

    def new_batch_id(self, prefix: str) -> str:
        """Return an ID that contains `sandbox`, or `upstream` if a model answers."""
        return f"{prefix}{self.source.word}_{secrets.token_hex(12)}"

    def batch_id_of(self, prefix: str, key: str) -> str:
        """Return the ID of the batch that an idempotency key makes."""
        digest = hashlib.sha256(key.encode()).hexdigest()[:24]
        return f"{prefix}{self.source.word}_{digest}"

    def account_of(self, key: str) -> str:
        """Return the account of a key: a hash that does not reveal the key."""
        return hashlib.blake2b(key.encode(), key=self._salt, digest_size=6).hexdigest()

    def call_fault(self, provider: str, operation: str) -> CallFault | None:
        """Count a call and return the fault that applies to it."""
        rules = [
            (index, rule)
            for index, rule in enumerate(self.faults.calls)
            if rule.operation in {"any", operation}
            and rule.provider in {None, provider}
        ]
        return self._pick(rules)

    def answer_fault(self) -> AnswerFault | None:
        """Count a request that is answered at once; return the fault that applies."""
        return self._pick(enumerate(self.faults.answers), "answer")

    def new_plan(self, provider: str, window: str = "24h", **facts: Any) -> str:
        """Count a new batch and return its plan, as JSON."""
        faults = self.faults
        rules = [
            (index, rule)
            for index, rule in enumerate(faults.batches)
            if rule.provider in {None, provider}
        ]
        fault = self._pick(rules, "batch")
        durations = (fault and fault.durations) or faults.durations
        if self._formats[provider].check is None:
            changes = {"validating": 0.0, "finalizing": 0.0}
            durations = durations.model_copy(update=changes)
        plan = Plan(
            seed=faults.seed, durations=durations, fault=fault, window=window, **facts
        )
        return plan.model_dump_json(exclude_defaults=True)

    def _pick(self, rules: Iterable[tuple[int, _Rule]], *key: str) -> _Rule | None:
        """Count for every rule; return the first that applies."""
        picked = None
        with self._lock:
            for index, rule in rules:
                self._seen[*key, index] += 1
                number = self._seen[*key, index]
                if picked is None and rule.picks(number, self.faults.seed, *key, index):
                    picked = rule
        return picked

    def moment(self, row: BatchRow) -> Moment:
        """Return the state of a batch now."""
        return moment_at(row, self.clock.now())

    def settle(self, timeout_seconds: float | None = None) -> None:
        """Let every batch end: wait for the work, then move the clock.

        Raises:
            TimeoutError: The work took longer, in real seconds.
        """
        if not self.worker.wait_idle(timeout_seconds):
            raise TimeoutError(f"Batches still run after {timeout_seconds} seconds.")
        rows = self.store.select(BatchRow)
        ends = [moment_at(row, math.inf).ended_at or 0.0 for row in rows]
        missing = max(ends, default=0.0) - self.clock.now()
        if missing > 0:
            self.clock.advance(missing)
            self.save_clock()

    def batches(self) -> list[CreatedBatch]:
        """Return every batch of every account, oldest first."""
        return [
            CreatedBatch(
                id=row.id,
                provider=row.provider,
                account=row.account,
                created_at=row.created_at,
                status=self.moment(row).state,
                requests=row.total,
                first_custom_id=row.first_custom_id,
                metadata=orjson.loads(row.metadata or "null") or {},
            )
            for row in self.store.select(BatchRow, newest_first=False)
        ]

    def snapshot(self) -> dict[str, Any]:
        """Return time, faults and batches, as JSON can hold them."""
        return {
            "now": self.clock.now(),
            "time_scale": self.clock.scale,
            "faults": self.faults.model_dump(mode="json", exclude_defaults=True),
            "batches": [asdict(batch) for batch in self.batches()],
        }
