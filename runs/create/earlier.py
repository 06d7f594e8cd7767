"""Find batches that the run directory does not know, before they are bought again.

A restored backup or a copy of a run directory lacks what was bought after it was made.
So a process that continues a run reads the provider's list once, before it creates
anything. Where batches carry our token, a match is proof. Where they carry nothing,
only a copy looks for them, and the results prove which batch is whose.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from ...data.custom_id import parse_row_id
from ...models import Batch, Intent
from ...providers import get_vendor
from ..collect.poll import CLOCK_MARGIN
from ..collect.wait import wait_for_batch
from ..decide.budget import reservation_usd
from ..decide.steps import Step
from ..directory.access import checked_account
from ..directory.catalog import recorded_beside
from ..directory.run import Run, RunState
from ..directory.shard import Shard
from ..events import emit
from ..pause import patiently
from .reconcile import answers_ours
from .submit import known_of, token_of

__all__ = ["Earlier"]


class Earlier:
    """The batches of a run that are on no record of its directory."""

    def __init__(self, run: Run, *, wait: bool) -> None:
        """Read nothing yet.

        Args:
            run: The run. One without a plan has bought nothing.
            wait: Whether to wait for batches that may be the run's, until they end.
        """
        self._run = run
        self._wait = wait
        self._listed = None if run.directory.exists("plan.json") else dict[str, Batch]()
        self._before: str | None = None
        """The newest batch that is older than the plan."""
        self._numbers: dict[str, tuple[int, int] | None] = {}
        self._carries_token = get_vendor(run.job.provider).creation != "candidates"
        self.held: set[str] = set()
        """Shards whose batch may be one that has not ended; only without `wait`."""

    def adopt(self, state: RunState, steps: Sequence[Step]) -> bool:
        """Record the batches that exist already of those that would now be created.

        Returns:
            Whether the steps are out of date: a batch was recorded, or a shard is held.
        """
        paths = [
            step.shard
            for step in steps
            if step.kind in {"submit", "ask"} and not state.shards[step.shard].is_lost
        ]
        if paths and self._listed is None:
            self._listed = self._list()
        if not (paths and self._listed):
            return False
        for _, attempt in state.attempts():
            if attempt.batch:
                self._listed.pop(attempt.batch.id, None)
        is_changed = False
        find = self._by_token if self._carries_token else self._by_results
        for path in paths:
            shard = self._run.shard(path)
            if len(shard.attempts.all) > len(state.shards[path].attempts.all):
                is_changed = True  # another process works on it
            elif (batch := find(shard, list(self._listed.values()))) is not None:
                self._record(shard, self._listed.pop(batch.id))
                is_changed = True
            elif path in self.held:
                is_changed = True
        return is_changed

    def _list(self) -> dict[str, Batch]:
        """Return the batches that may be the run's, by ID, newest first."""
        run, plan = self._run, self._run.plan()
        if not self._carries_token and plan.nonce_stamp == run.directory.stamp("nonce"):
            return {}

        def is_candidate(batch: Batch) -> bool:
            tokens = batch.metadata.values()
            return not self._carries_token or any(
                token.startswith(f"{plan.nonce}-") for token in tokens
            )

        def read() -> dict[str, Batch]:
            found: dict[str, Batch] = {}
            oldest = plan.created_at - CLOCK_MARGIN
            for batch in run.provider().list(limit=1_000_000):
                if batch.created_at and batch.created_at < oldest:
                    self._before = batch.id
                    break
                if is_candidate(batch):
                    found[batch.id] = batch
            return found

        found = patiently(read, "A listing")
        if found and not self._carries_token:
            for batch_id in recorded_beside(run.directory):
                found.pop(batch_id, None)
        return found

    def _by_token(self, shard: Shard, unknown: list[Batch]) -> Batch | None:
        """Return the batch of the shard's newest attempt."""
        prefix = f"{token_of(self._run, shard.path)}-"
        numbers = {
            int(token.removeprefix(prefix)): batch
            for batch in unknown
            for token in batch.metadata.values()
            if token.startswith(prefix) and token.removeprefix(prefix).isdecimal()
        }
        return numbers[max(numbers)] if numbers else None

    def _by_results(self, shard: Shard, unknown: list[Batch]) -> Batch | None:
        """Return the batch whose results answer the shard's requests."""
        candidates = [
            batch
            for batch in unknown
            if batch.counts.total in {None, shard.plan.requests}
        ]
        for batch in sorted(candidates, key=lambda batch: not batch.status.is_final):
            if not (batch.status.is_final or self._wait):
                self.held.add(shard.path)
                return None
            numbers = self._numbers_in(batch)
            if numbers and shard.plan.owns(*numbers):
                return batch
        return None

    def _numbers_in(self, batch: Batch) -> tuple[int, int] | None:
        """Return row and round of a result in the batch; None if none is ours."""
        if batch.id not in self._numbers:
            run, nonce = self._run, self._run.plan().nonce
            numbers = None

            def owns(line: bytes) -> bool:
                nonlocal numbers
                numbers = parse_row_id(run.format.decode(line).custom_id, nonce)
                return numbers is not None

            if not batch.status.is_final:
                text = f"Waiting for {batch.id}, which may be of this run."
                emit("notice", text=text)
                batch = wait_for_batch(run.provider(), batch.id)
            answers_ours(batch, run.provider(), owns)
            self._numbers[batch.id] = numbers
        return self._numbers[batch.id]

    def _record(self, shard: Shard, batch: Batch) -> None:
        """Record the batch as that of the shard's next attempt."""
        run, attempts = self._run, shard.attempts
        job = run.job_at(shard.plan.round)
        provider, known = run.provider(), known_of(run, shard)
        account = patiently(lambda: checked_account(provider, known), "An account")
        prefix = token_of(run, shard.path)
        tokens = [each for each in batch.metadata.values() if each.startswith(prefix)]
        intent = Intent(
            token=next(iter(tokens), f"{prefix}-{attempts.next_number}"),
            claimed_at=batch.created_at or datetime.now(UTC),
            requests=shard.plan.requests,
            bytes=shard.plan.bytes,
            digest=shard.plan.digest,
            endpoint=job.template.endpoint,
            # Should this process die before the next record, it is looked for again.
            account=account.model_copy(update={"newest_batch_id": self._before}),
            input_file_id=batch.input_file_id,
            reserved_usd=reservation_usd(job, shard.plan),
        )
        with run.as_made(f"{shard.path}/requests.jsonl", shard.plan.digest):
            attempts.record(attempts.claim(intent), batch)
        emit("submitted", shard=shard.path, batch_id=batch.id, text="found again")
