"""Create one batch exactly once: claim, send, record.

Creating costs money, and neither provider takes an idempotency key. So the claim is
on record before the call, the call is sent once, and the batch's ID is on record
before anything else happens. A failure in between leaves a claim without a batch,
and `reconcile` settles that before anything is sent again.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from ...errors import CreationUnknownError, ProviderError, RunBusyError
from ...models import Intent
from ...providers import Progress, Provider, get_vendor
from ...providers.http.sending import checked_when_sent
from ...settings import get_settings
from ..directory.access import Known, checked_account
from ..directory.attempts import Attempt, Attempts
from ..directory.records import NO_CAPACITY
from ..pause import patiently

__all__ = ["NewBatch", "create_batch", "is_fresh"]

_CLOCK_STEP_SECONDS = 1
"""How far the clock may be set back, as NTP does, under a claim that still holds."""


@dataclass(frozen=True, kw_only=True)
class NewBatch:
    """A batch to create: its request file, and what the claim records of it."""

    path: Path
    """The request file, on this machine."""
    token: str
    """Unique to the file; the attempt's number is added."""
    requests: int
    bytes: int
    digest: str
    endpoint: str
    model: str | None = None
    metadata: dict[str, str] = field(default_factory=dict)
    completion_window: str | None = None
    reserved_usd: float | None = None
    custom_ids: tuple[str, ...] = ()
    """Of some of its requests, where no nonce in them says whose they are."""


def create_batch(
    attempts: Attempts,
    new: NewBatch,
    provider: Provider,
    *,
    known: Known | None = None,
    wanted: Callable[[], bool] = lambda: True,
    progress: Progress | None = None,
) -> Attempt | None:
    """Create the next attempt's batch; the last attempt must be over.

    A request file that an earlier attempt uploaded is not uploaded again. The account
    is checked by what is `known`, before anything is sent.

    Returns:
        The attempt; None where `wanted`, asked right before the claim, says no.

    Raises:
        RunBusyError: Another process claimed this attempt first, or gave it up.
        ScopeError: The key is another account's; nothing was sent.
        CreationUnknownError: The batch may exist; the claim stays for `reconcile`.
        ProviderError: The provider refused; there is no batch.
    """
    account = checked_account(provider, known or Known())
    uploaded = attempts.uploaded(new.digest)
    file_id = provider.upload(new.path, progress, earlier=uploaded)
    if not wanted():
        return None
    intent = Intent(
        token=f"{new.token}-{attempts.next_number}",
        claimed_at=datetime.now(UTC),
        requests=new.requests,
        bytes=new.bytes,
        digest=new.digest,
        endpoint=new.endpoint,
        model=new.model,
        account=account,
        input_file_id=file_id,
        reserved_usd=new.reserved_usd,
        metadata=new.metadata,
        completion_window=new.completion_window,
        custom_ids=new.custom_ids,
    )
    attempt = attempts.claim(intent)
    _refuse_old(intent)
    try:
        with checked_when_sent(lambda: _refuse_old(intent)):
            batch = provider.create(new.path, intent, progress)
    except CreationUnknownError:
        raise
    except ProviderError as exc:
        if exc.code == NO_CAPACITY:
            attempts.close_parked(attempt, str(exc))
        else:
            attempts.close_unsent(attempt, str(exc))
        raise
    attempts.record(attempt, batch)
    if attempts.is_closed(attempt):
        end = "is on record"
        if get_vendor(batch.provider).can_cancel:
            patiently(lambda: provider.cancel(batch.id), f"Cancelling {batch.id}")
            end = "is cancelled and on record"
        raise RunBusyError(
            f"While this process stood still, another one gave up its claim"
            f" {intent.token} and goes on. Batch {batch.id}, which was created under it"
            f" all the same, {end}."
        )
    return attempt


def is_fresh(claimed_at: datetime, now: datetime) -> bool:
    """Whether a claim is one that no other process can have given up yet."""
    seconds = (now - claimed_at).total_seconds()
    return -_CLOCK_STEP_SECONDS <= seconds < get_settings().settle_seconds


def _refuse_old(intent: Intent) -> None:
    """Send nothing under a claim that others may have given up, after a sleep."""
    now = datetime.now(UTC)
    if not is_fresh(intent.claimed_at, now):
        late_seconds = (now - intent.claimed_at).total_seconds()
        raise CreationUnknownError(
            f"The claim {intent.token} is {late_seconds:.0f} s old, so nothing is sent"
            " under it; resume the run, or submit the file again, and it is settled."
        )
