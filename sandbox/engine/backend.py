"""What all routes of one sandbox share."""

from __future__ import annotations

import hashlib
import math
import threading
from collections import Counter, deque
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import orjson

from ...errors import is_disk_full
from ..answers.answers import SYNTHETIC, Ask
from ..faults import BatchFault, CallFault, Faults
from ..load import FaultSource, load_faults
from .clock import Clock
from .rows import BatchRow
from .store import Store
from .timeline import Moment, Plan, look, plan_of
from .worker import Worker

__all__ = ["Backend", "Call", "CreatedBatch"]

_REMEMBERED_CALLS = 10_000


@dataclass(frozen=True)
class Call:
    """One HTTP call that arrived; the key is never kept."""

    provider: str
    operation: str
    method: str
    path: str
    query: str
    account: str | None
    headers: Mapping[str, str]
    fault: str | None
    """What was done to it on purpose."""


@dataclass(frozen=True)
class CreatedBatch:
    """One batch that the sandbox made, whoever asked for it."""

    id: str
    provider: str
    account: str
    """A name made from the key; the same key is the same account."""
    created_at: float
    """Virtual seconds since the epoch."""
    status: str
    """OpenAI's words, also for Anthropic's batches."""
    requests: int
    first_custom_id: str | None
    metadata: Mapping[str, str]


class Backend:
    """State, clock, worker and faults."""

    def __init__(
        self,
        folder: Path,
        faults: Faults,
        time_scale: float,
        ask: Ask = SYNTHETIC,
    ) -> None:
        self.store = Store(folder)
        try:
            self._salt = self.store.salt()
        except OSError:
            self.store.close()
            raise
        self.clock = Clock(time_scale, float(self.store.meta("clock_offset", 0.0)))
        self.calls: deque[Call] = deque(maxlen=_REMEMBERED_CALLS)
        self._lock = threading.Lock()
        self._seen: Counter[str] = Counter()
        self.faults = faults
        self.worker = Worker(self.store, self.clock, lambda: self.faults, ask)
        self.worker.resume()

    def close(self) -> None:
        """Stop the work; whatever is unfinished goes on at the next start."""
        self.worker.stop()
        try:
            self.keep_clock()
        except OSError as exc:  # on a full disk it only lags behind
            if not is_disk_full(exc):
                raise
        finally:
            self.store.close()

    def keep_clock(self) -> None:
        """Remember how far the clock is ahead."""
        self.store.set_meta("clock_offset", self.clock.offset)

    def set_faults(self, faults: FaultSource) -> None:
        """Change the faults; counting starts anew, batches keep what they have."""
        loaded = load_faults(faults)
        with self._lock:
            self.faults = loaded
            self._seen.clear()

    def account_of(self, key: str) -> str:
        """Return the account of a key; the key cannot be read back from it."""
        return hashlib.blake2b(key.encode(), key=self._salt, digest_size=6).hexdigest()

    def pick_call(self, provider: str, operation: str) -> CallFault | None:
        """Count a call, and return what shall go wrong with it."""
        picked = None
        with self._lock:
            for index, rule in enumerate(self.faults.calls):
                if rule.operation not in {"any", operation}:
                    continue
                if rule.provider not in {None, provider}:
                    continue
                self._seen[f"call {index}"] += 1
                number = self._seen[f"call {index}"]
                if picked is None and rule.picks(number, self.faults.seed, index):
                    picked = rule
        return picked

    def plan(self, provider: str) -> Plan:
        """Count a new batch, and settle what will happen to it."""
        picked: BatchFault | None = None
        with self._lock:
            faults = self.faults
            for index, rule in enumerate(faults.batches):
                if rule.provider not in {None, provider}:
                    continue
                self._seen[f"batch {index}"] += 1
                number = self._seen[f"batch {index}"]
                if picked is None and rule.picks(number, faults.seed, "batch", index):
                    picked = rule
        durations = picked.durations if picked and picked.durations else None
        return Plan(
            seed=faults.seed, durations=durations or faults.durations, fault=picked
        )

    def moment(self, row: BatchRow) -> Moment:
        """Return where a batch stands now."""
        return look(row, plan_of(row), self.clock.now())

    def settle(self, timeout_seconds: float | None = None) -> None:
        """Let every batch end: wait for the work, then move the clock.

        Raises:
            TimeoutError: The work took longer, in real seconds.
        """
        if not self.worker.wait_idle(timeout_seconds):
            raise TimeoutError(f"Batches still run after {timeout_seconds} seconds.")
        rows = self.store.select(BatchRow)
        ends = [look(row, plan_of(row), math.inf).ended_at or 0.0 for row in rows]
        late = max(ends, default=0.0) - self.clock.now()
        if late > 0:
            self.clock.advance(late)
            self.keep_clock()

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
        """Return what there is, as JSON can carry it."""
        return {
            "now": self.clock.now(),
            "time_scale": self.clock.scale,
            "faults": self.faults.model_dump(mode="json", exclude_defaults=True),
            "batches": [asdict(batch) for batch in self.batches()],
        }
